//! How do the help texts end? With examples, variables and exit codes.

/// `hop --help`.
pub const HOP: &str = "\
Hosts, users, keys and jumps come from ~/.ssh/config, as for ssh; hop adds no file of its own.
A flag wins over a HOP_* variable, that over ssh_config, that over the default.

Examples:
  hop cp ./big.iso acc-pvt:                     up, through the bastion that ssh_config names
  hop cp acc-pvt:customers.csv dell-pvt:        from one private host to another
  hop ls -l acc-pvt:logs
  hop ssh acc-pvt uname -a
  hop doctor acc-pvt dell-pvt                   what works on the way, what does not, and what to do
  hop key check                                 the keys in use, and what is wrong with them
  hop hosts                                     bastions and what lies behind them
  hop demo                                      see it work, no server needed
  alias scp='hop cp'                            flags and words are scp's

Exit codes:
    0  done                               23  some files failed, the rest arrived
    1  internal error                     24  a source changed while it was read
    2  usage or configuration             28  no space at the destination
   10  cannot connect (names the hop)     30  a time limit ran out
   11  a local file or folder             31  the lent agent was misused
   12  a peer broke the protocol          75  another run has the destination (--lock) or the part
   13  host key                           77  a key or configuration others can reach
   14  authentication                    129  hangup
                                         130  interrupted
                                         143  terminated
  hop ssh: the command's own status, 255 for failures of hop.";

/// `hop cp --help`.
pub const CP: &str = "\
Examples:
  hop cp report.pdf acc-pvt:                    into the home folder, through acc-pvt's bastion
  hop cp -r 'acc-pvt:logs/*.gz' ./logs/         wildcards are matched there: quote them
  hop cp -p acc-pvt:a.csv dell-pvt:in/          host to host, each behind its own bastion
  hop cp --dry-run -r site/ www:/srv/           the plan only
  hop cp -i acc.pem -J ec2-user@54.0.0.1 f ec2-user@10.10.2.20:
                                                no ssh_config: one key for the host and its bastion
  hop cp -i '10.10.*=acc.pem'  -J '10.10.*=ec2-user@54.1.1.1' \\
         -i '10.20.*=dell.pem' -J '10.20.*=ec2-user@13.2.2.2' \\
         ec2-user@10.10.2.20:f ec2-user@10.20.2.20:
                                                between two networks, nothing configured

The final name holds the old content or all of the new, never a torn file; what is on the way is
called .NAME.hop-ID.part. Without a terminal nothing is printed but errors, unless -v,
--progress plain or --json is given. `hop help` lists the exit codes.";

/// `hop sync --help`.
pub const SYNC: &str = "\
Examples:
  hop sync site/ www:/srv/site                  what is in site/ into /srv/site
  hop sync site www:/srv                        the folder itself, as /srv/site
  hop sync --delete --exclude '*.tmp' acc-pvt:data/ ./data
  hop sync --dry-run --delete acc-pvt:data/ dell-pvt:data

Files of equal size and time are left where they are, or with --checksum those of equal content.
Nothing is deleted when anything failed, when a folder of either end cannot be read, or when it
would be more than --max-delete; never through a link, and never a part of another run
(.NAME.hop-ID.part). What is excluded is neither copied nor deleted.";

/// `hop ls --help`.
pub const LS: &str = "\
Examples:
  hop ls acc-pvt:                               the home folder
  hop ls -lh 'acc-pvt:/var/log/*.gz'
  hop ls -R --json acc-pvt:data                 one JSON object a line";

/// `hop ssh --help`.
pub const SSH: &str = "\
Examples:
  hop ssh acc-pvt                               a shell, through acc-pvt's bastion
  hop ssh acc-pvt 'tail -n 100 /var/log/messages' | less
  tar c site | hop ssh www tar x -C /srv
  hop ssh -N -L 5432:db.internal:5432 acc-pvt   the database of the private network on a port here
  hop ssh -N --reconnect -D 1080 acc-pvt        a SOCKS proxy into that network, connected for good
  rsync -e 'hop ssh' -a site/ www:/srv/site/
  hop ssh --lend dell-pvt acc-pvt               a shell on acc-pvt from which `ssh -F $HOP_LENT dell-pvt`
                                                logs in once, with the key still here

The exit status is the command's own, or 255 when hop itself failed, for wrong usage too, and when
a signal ended the command. In a session with a terminal, ~? after a newline lists the escapes.";

/// `hop demo --help`.
#[cfg(feature = "demo")]
pub const DEMO: &str = "\
Everything runs on loopback in a temporary folder and is gone afterwards: two bastions, two private
servers that only their bastion reaches, keys made on the spot. Each step shows a real hop command
and its real output. The exit code is 0 only when every file arrived unchanged.";

/// `hop key --help`.
pub const KEY: &str = "\
Examples:
  hop key check                                 every key of ~/.ssh/config
  hop key check acc.pem                         this one
  hop key fix -y                                chmod 400 where others could read a key

The exit code is 77 as long as something is wrong.";

/// `hop hosts --help`.
pub const HOSTS: &str = "\
Examples:
  hop hosts
  hop hosts add acc-bastion --address 54.0.0.1 --user ec2-user --key acc.pem
  hop hosts add acc-pvt --address 10.10.2.20 --user ec2-user --key acc.pem --via acc-bastion

`add` keeps the last state of the file as FILE.hop-bak and changes nothing that stands in it. A name
that is taken, a key that cannot be used, and a value that an earlier line of the file would
overrule are refused.";

/// `hop doctor --help`.
pub const DOCTOR: &str = "\
Examples:
  hop doctor acc-pvt                            each hop, then files, shell, disk and clock
  hop doctor acc-pvt dell-pvt                   and what lies between the two
  hop doctor --fix acc-pvt                      offers to repair what is wrong on this machine

Each step is tried once; nothing is changed on any server. The exit code is that of the first
failure, 0 when there is none.";
