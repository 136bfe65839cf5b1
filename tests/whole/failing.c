/* failing SWITCH CALL ERROR PROGRAM...: runs the program. While the file SWITCH is there when it begins, CALL fails with the
 * number ERROR, and is not carried out: `write` (to descriptors above 2), `pwrite`, `fsync`, `rename`, `close` (of
 * descriptors above 3, which the dynamic linker is content with). */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct sock_filter program[32];
static unsigned short length;

static void add(struct sock_filter one) { program[length++] = one; }

/* This call fails; with `above`, only for a first argument (its low half) beyond it. */
static void fails(long call, unsigned error, int above) {
  unsigned answer = SECCOMP_RET_ERRNO | error;
  add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
  add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)call, 0, above < 0 ? 1 : 3));
  if (above >= 0) {
    add((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
    add((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (unsigned)above, 0, 1));
  }
  add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, answer));
}

int main(int count, char **words) {
  if (count < 5) return 2;
  const char *call = words[2];
  unsigned error = (unsigned)atoi(words[3]);
  if (access(words[1], F_OK) == 0) {
    if (!strcmp(call, "write")) fails(SYS_write, error, 2), fails(SYS_pwrite64, error, -1);
    if (!strcmp(call, "pwrite")) fails(SYS_pwrite64, error, -1);
    if (!strcmp(call, "fsync")) fails(SYS_fsync, error, -1), fails(SYS_fdatasync, error, -1);
    if (!strcmp(call, "close")) fails(SYS_close, error, 3);
    if (!strcmp(call, "rename")) {
#ifdef SYS_rename
      fails(SYS_rename, error, -1);
#endif
#ifdef SYS_renameat
      fails(SYS_renameat, error, -1);
#endif
      fails(SYS_renameat2, error, -1);
    }
    if (!length) return 2;
    add((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    struct sock_fprog all = {length, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all)) {
      perror("failing");
      return 3;
    }
  }
  execvp(words[4], words + 4);
  perror(words[4]);
  return 127;
}
