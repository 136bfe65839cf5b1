/* An SFTP server and a bastion of libssh's make. Words: address, port, host key, authorized_keys. Relative names begin in
 * the home folder, which is the working folder. A process for each connection; one session or one forwarding in each. */
#define WITH_SERVER
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libssh/callbacks.h>
#include <libssh/server.h>
#include <libssh/sftp.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

static const char *authorized;

static int is_authorized(struct ssh_key_struct *key) {
  char line[8192], *base64 = NULL;
  int found = 0;
  FILE *lines = fopen(authorized, "r");
  ssh_pki_export_pubkey_base64(key, &base64);
  while (lines && fgets(line, sizeof line, lines))
    if (base64 && strstr(line, base64)) found = 1;
  if (lines) fclose(lines);
  return found;
}

static void let_in(ssh_message message) {
  int is_key = ssh_message_subtype(message) == SSH_AUTH_METHOD_PUBLICKEY && is_authorized(ssh_message_auth_pubkey(message));
  ssh_message_auth_set_methods(message, SSH_AUTH_METHOD_PUBLICKEY);
  if (is_key && ssh_message_auth_publickey_state(message) == SSH_PUBLICKEY_STATE_VALID) ssh_message_auth_reply_success(message, 0);
  else if (is_key && ssh_message_auth_publickey_state(message) == SSH_PUBLICKEY_STATE_NONE) ssh_message_auth_reply_pk_ok_simple(message);
  else ssh_message_reply_default(message);
}

static int answer(sftp_client_message request, int result) {
  uint32_t status = SSH_FX_FAILURE;
  if (result >= 0) return sftp_reply_status(request, SSH_FX_OK, NULL);
  if (errno == ENOENT) status = SSH_FX_NO_SUCH_FILE;
  if (errno == EACCES || errno == EPERM) status = SSH_FX_PERMISSION_DENIED;
  return sftp_reply_status(request, status, strerror(errno));
}

static struct sftp_attributes_struct described(const struct stat *found) {
  struct sftp_attributes_struct told = {0};
  told.flags = SSH_FILEXFER_ATTR_SIZE | SSH_FILEXFER_ATTR_UIDGID | SSH_FILEXFER_ATTR_PERMISSIONS | SSH_FILEXFER_ATTR_ACMODTIME;
  told.size = found->st_size;
  told.uid = found->st_uid;
  told.gid = found->st_gid;
  told.permissions = found->st_mode;
  told.atime = found->st_atime;
  told.mtime = found->st_mtime;
  return told;
}

static void look(sftp_client_message request, int result, const struct stat *found) {
  struct sftp_attributes_struct told = described(found);
  if (result < 0) answer(request, result);
  else sftp_reply_attr(request, &told);
}

static int set(const char *path, sftp_attributes wanted) {
  struct timeval times[2] = {{wanted->atime, 0}, {wanted->mtime, 0}};
  int result = 0;
  if (wanted->flags & SSH_FILEXFER_ATTR_SIZE) result |= truncate(path, wanted->size);
  if (wanted->flags & SSH_FILEXFER_ATTR_PERMISSIONS) result |= chmod(path, wanted->permissions & 07777);
  if (wanted->flags & SSH_FILEXFER_ATTR_ACMODTIME) result |= utimes(path, times);
  return result;
}

/* An open file or folder. */
struct handle {
  int file;
  DIR *folder;
  char path[PATH_MAX];
};

static void opened(sftp_session sftp, sftp_client_message request, int file, DIR *folder) {
  struct handle *handle = calloc(1, sizeof *handle);
  ssh_string word;
  if (file < 0 && !folder) {
    free(handle);
    answer(request, -1);
    return;
  }
  handle->file = file;
  handle->folder = folder;
  snprintf(handle->path, sizeof handle->path, "%s", request->filename);
  word = sftp_handle_alloc(sftp, handle);
  sftp_reply_handle(request, word);
  ssh_string_free(word);
}

static int flags_of(uint32_t asked) {
  int flags = asked & SSH_FXF_READ ? (asked & SSH_FXF_WRITE ? O_RDWR : O_RDONLY) : O_WRONLY;
  if (asked & SSH_FXF_APPEND) flags |= O_APPEND;
  if (asked & SSH_FXF_CREAT) flags |= O_CREAT;
  if (asked & SSH_FXF_TRUNC) flags |= O_TRUNC;
  if (asked & SSH_FXF_EXCL) flags |= O_EXCL;
  return flags;
}

static void closed(sftp_session sftp, sftp_client_message request, struct handle *handle) {
  int result = handle->folder ? closedir(handle->folder) : close(handle->file);
  sftp_handle_remove(sftp, handle);
  free(handle);
  answer(request, result);
}

static void read_file(sftp_client_message request, struct handle *handle) {
  static char data[256 * 1024];
  size_t length = request->len < sizeof data ? request->len : sizeof data;
  ssize_t got = pread(handle->file, data, length, request->offset);
  if (got > 0) sftp_reply_data(request, data, got);
  else if (got == 0) sftp_reply_status(request, SSH_FX_EOF, NULL);
  else answer(request, -1);
}

static void list(sftp_client_message request, struct handle *handle) {
  struct dirent *entry;
  int count = 0;
  while (count < 50 && (entry = readdir(handle->folder))) {
    struct stat found;
    struct sftp_attributes_struct told;
    if (fstatat(dirfd(handle->folder), entry->d_name, &found, AT_SYMLINK_NOFOLLOW) < 0) continue;
    told = described(&found);
    sftp_reply_names_add(request, entry->d_name, entry->d_name, &told);
    count++;
  }
  if (count) sftp_reply_names(request);
  else sftp_reply_status(request, SSH_FX_EOF, NULL);
}

static void on_a_handle(sftp_session sftp, sftp_client_message request) {
  struct handle *handle = sftp_handle(sftp, request->handle);
  struct stat found = {0};
  if (!handle) sftp_reply_status(request, SSH_FX_BAD_MESSAGE, "no such handle");
  else if (request->type == SSH_FXP_CLOSE) closed(sftp, request, handle);
  else if (request->type == SSH_FXP_READ) read_file(request, handle);
  else if (request->type == SSH_FXP_READDIR) list(request, handle);
  else if (request->type == SSH_FXP_FSTAT) look(request, fstat(handle->file, &found), &found);
  else if (request->type == SSH_FXP_FSETSTAT) answer(request, set(handle->path, request->attr));
  else {
    size_t length = ssh_string_len(request->data);
    ssize_t done = pwrite(handle->file, ssh_string_data(request->data), length, request->offset);
    if (done >= 0 && (size_t)done < length) errno = ENOSPC, done = -1;
    answer(request, done < 0 ? -1 : 0);
  }
}

static void on_a_path(sftp_session sftp, sftp_client_message request) {
  const char *path = request->filename;
  struct stat found = {0};
  char whole[PATH_MAX];
  mode_t mode = request->attr && request->attr->flags & SSH_FILEXFER_ATTR_PERMISSIONS ? request->attr->permissions & 07777 : 0666;
  switch (request->type) {
    case SSH_FXP_REALPATH:
      if (realpath(*path ? path : ".", whole)) sftp_reply_name(request, whole, NULL);
      else answer(request, -1);
      break;
    case SSH_FXP_OPEN: opened(sftp, request, open(path, flags_of(request->flags), mode), NULL); break;
    case SSH_FXP_OPENDIR: opened(sftp, request, -1, opendir(path)); break;
    case SSH_FXP_STAT: look(request, stat(path, &found), &found); break;
    case SSH_FXP_LSTAT: look(request, lstat(path, &found), &found); break;
    case SSH_FXP_SETSTAT: answer(request, set(path, request->attr)); break;
    case SSH_FXP_REMOVE: answer(request, unlink(path)); break;
    case SSH_FXP_MKDIR: answer(request, mkdir(path, 0777)); break;
    case SSH_FXP_RMDIR: answer(request, rmdir(path)); break;
    case SSH_FXP_EXTENDED:
      if (strcmp(sftp_client_message_get_submessage(request), "posix-rename@openssh.com")) {
        sftp_reply_status(request, SSH_FX_OP_UNSUPPORTED, NULL);
        break;
      } /* fall through */
    case SSH_FXP_RENAME: answer(request, rename(path, sftp_client_message_get_data(request))); break;
    default: sftp_reply_status(request, SSH_FX_OP_UNSUPPORTED, NULL);
  }
}

static void serve_files(ssh_session session, ssh_channel channel) {
  sftp_session sftp = sftp_server_new(session, channel);
  sftp_client_message request;
  if (!sftp || sftp_server_init(sftp) < 0) return;
  while ((request = sftp_get_client_message(sftp))) {
    if (request->handle) on_a_handle(sftp, request);
    else on_a_path(sftp, request);
    sftp_client_message_free(request);
  }
}

static int connected(const char *host, int port) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  char service[16];
  int far = -1;
  snprintf(service, sizeof service, "%d", port);
  if (getaddrinfo(host, service, &hints, &found)) return -1;
  far = socket(found->ai_family, found->ai_socktype, 0);
  if (connect(far, found->ai_addr, found->ai_addrlen) < 0) far = -1;
  freeaddrinfo(found);
  return far;
}

static void forward(ssh_session session, ssh_channel channel, int far) {
  ssh_event event = ssh_event_new();
  ssh_connector in = ssh_connector_new(session), out = ssh_connector_new(session);
  ssh_connector_set_in_channel(in, channel, SSH_CONNECTOR_STDINOUT);
  ssh_connector_set_out_fd(in, far);
  ssh_connector_set_in_fd(out, far);
  ssh_connector_set_out_channel(out, channel, SSH_CONNECTOR_STDINOUT);
  ssh_event_add_connector(event, in);
  ssh_event_add_connector(event, out);
  while (ssh_channel_is_open(channel) && ssh_event_dopoll(event, -1) != SSH_ERROR);
}

/* What a client asks for, until there is something to do: the channel, and where it leads. */
static ssh_channel asked_for(ssh_session session, int *far) {
  ssh_channel channel = NULL;
  ssh_message message;
  while ((message = ssh_message_get(session))) {
    int type = ssh_message_type(message), kind = ssh_message_subtype(message);
    if (type == SSH_REQUEST_AUTH) {
      let_in(message);
    } else if (type == SSH_REQUEST_CHANNEL_OPEN && kind == SSH_CHANNEL_SESSION) {
      channel = ssh_message_channel_request_open_reply_accept(message);
    } else if (type == SSH_REQUEST_CHANNEL_OPEN && kind == SSH_CHANNEL_DIRECT_TCPIP) {
      *far = connected(ssh_message_channel_request_open_destination(message), ssh_message_channel_request_open_destination_port(message));
      if (*far >= 0) return ssh_message_channel_request_open_reply_accept(message);
      ssh_message_reply_default(message);
    } else if (type == SSH_REQUEST_CHANNEL && kind == SSH_CHANNEL_REQUEST_SUBSYSTEM) {
      ssh_message_channel_request_reply_success(message);
      return channel;
    } else {
      ssh_message_reply_default(message);
    }
    ssh_message_free(message);
  }
  return NULL;
}

/* Whatever else is asked for is refused, rather than left without an answer. */
static int refuse(ssh_session session, ssh_message message, void *unused) {
  (void)session, (void)message, (void)unused;
  return 1;
}

static void serve(ssh_session session) {
  int far = -1;
  ssh_channel channel;
  if (ssh_handle_key_exchange(session) != SSH_OK) return;
  channel = asked_for(session, &far);
  ssh_set_message_callback(session, refuse, NULL);
  if (channel && far >= 0) forward(session, channel, far);
  else if (channel) serve_files(session, channel);
}

int main(int count, char **words) {
  ssh_bind bind = ssh_bind_new();
  (void)count;
  authorized = words[4];
  signal(SIGCHLD, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
  ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BINDADDR, words[1]);
  ssh_bind_options_set(bind, SSH_BIND_OPTIONS_BINDPORT_STR, words[2]);
  ssh_bind_options_set(bind, SSH_BIND_OPTIONS_HOSTKEY, words[3]);
  if (ssh_bind_listen(bind) < 0) {
    fprintf(stderr, "%s\n", ssh_get_error(bind));
    return 1;
  }
  for (;;) {
    ssh_session session = ssh_new();
    if (ssh_bind_accept(bind, session) == SSH_OK && fork() == 0) {
      serve(session);
      ssh_disconnect(session);
      _exit(0);
    }
    ssh_free(session);
  }
}
