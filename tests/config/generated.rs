//! Configurations nobody wrote: hundreds a run, given to `ssh -G` and to us.
//!
//! Lines are put together from what each keyword takes, sometimes from what it does not, in blocks that apply or not,
//! with all the ways to write blanks, quotes, `=` and comments. A line that ssh refuses ends a configuration, so most
//! have none.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};

use super::oracle::Oracle;

/// Configurations that ssh takes, and configurations with a line it may refuse.
const SOUND: u32 = 400;
const DOUBTFUL: u32 = 200;

const HOST: &str = "web1.example.com";

/// Keywords, and values they take (`|` between them).
const SOUND_LINES: [(&str, &str); 62] = [
    ("User", "one|two|'three'|\"f our\""),
    ("HostName", "%h|real.example|10.0.0.1|%h.example|127.1|::0:1|UPPER.example"),
    ("Port", "22|2222|https|+7"),
    ("IdentityFile", "~/.ssh/a|/b|%d/c|none|${HOP_KEYS}/d|\"/e f\""),
    ("CertificateFile", "~/.ssh/a-cert.pub|/b"),
    ("IdentitiesOnly", "yes|no|true|false|YES"),
    ("IdentityAgent", "none|SSH_AUTH_SOCK|~/agent|$HOP_KEYS|${HOP_KEYS}/%r"),
    ("ProxyJump", "b|u@b:22,c|none|[::1]:2222|ssh://u@b:1|a,b,10.0.0.1"),
    ("ProxyCommand", "nc %h %p|none|= sh -c 'x'|a # b"),
    ("UserKnownHostsFile", "/k|~/k %d/l|none|~/.ssh/known_hosts|${HOP_KEYS}/%h"),
    ("GlobalKnownHostsFile", "/g|none|/a /b"),
    ("StrictHostKeyChecking", "yes|no|ask|accept-new|off"),
    ("HostKeyAlias", "alias|ALIAS|x.y"),
    ("CheckHostIP", "yes|no"),
    ("HashKnownHosts", "yes|no"),
    ("BatchMode", "yes|no"),
    ("ConnectTimeout", "5|1m|none|1h30m|0"),
    ("ConnectionAttempts", "1|5"),
    ("ServerAliveInterval", "0|30|1m|none"),
    ("ServerAliveCountMax", "0|3"),
    ("Compression", "yes|no"),
    ("AddressFamily", "any|inet|inet6"),
    ("BindAddress", "127.0.0.1|x"),
    ("Ciphers", "aes128-ctr|+aes128-cbc|-aes*|^aes256-ctr|aes128-ctr,"),
    ("MACs", "hmac-sha1|+hmac-md5|-hmac-sha1*|^hmac-sha2-512"),
    ("KexAlgorithms", "curve25519-sha256|+diffie-hellman-group1-sha1|-ecdh*|^ecdh-sha2-nistp256"),
    ("HostKeyAlgorithms", "ssh-ed25519|+ssh-rsa|-*cert*|^rsa-sha2-256|ssh-*"),
    ("PubkeyAcceptedAlgorithms", "ssh-ed25519|+ssh-rsa|-ssh-*|*ed25519*"),
    ("CASignatureAlgorithms", "ssh-ed25519|-ssh-ed25519|+ssh-rsa"),
    ("PreferredAuthentications", "publickey|password,publickey"),
    ("PubkeyAuthentication", "yes|no|unbound|host-bound"),
    ("PasswordAuthentication", "yes|no"),
    ("KbdInteractiveAuthentication", "yes|no"),
    ("NumberOfPasswordPrompts", "0|1"),
    ("RekeyLimit", "1G|default none|500M 1h|1.5K|0 30|32 none"),
    ("SendEnv", "A B|-A|-*|L*"),
    ("SetEnv", "A=1|A=1 B=2 A=3|'C=d e'"),
    ("ForwardAgent", "yes|no|/dev/null|~"),
    ("RemoteCommand", "uptime|none|echo %h \"x\""),
    ("RequestTTY", "yes|no|force|auto"),
    ("LogLevel", "quiet|INFO|debug2|verbose"),
    ("SyslogFacility", "USER|auth|LOCAL7"),
    ("ControlPath", "none|~/cm-%C|/x/%r@%h:%p"),
    ("ControlMaster", "auto|yes|no|ask"),
    ("ControlPersist", "yes|no|5m|0"),
    ("LocalForward", "80 h:90|[::1]:80 [::2]:90|/a /b|80 /b|*:80 h:1"),
    ("RemoteForward", "80 h:90|80|0 h:1|/a h:2"),
    ("DynamicForward", "1080|localhost:1080|[::1]:1080"),
    ("ClearAllForwardings", "no|no|yes"),
    ("UpdateHostKeys", "yes|no|ask"),
    ("VerifyHostKeyDNS", "no|yes|ask"),
    ("AddKeysToAgent", "yes|no|ask|confirm|confirm 5m|1h"),
    ("TunnelDevice", "any|1|1:2|any:any"),
    ("Tunnel", "no|yes|ethernet|point-to-point"),
    ("IPQoS", "af21|ef cs1|0x20|none|throughput 3"),
    ("EscapeChar", "none|^A|~|\" \""),
    ("StreamLocalBindMask", "0177|0022|7"),
    ("CanonicalDomains", "none|invalid|a.invalid b.invalid."),
    ("PermitRemoteOpen", "any|none|h:1 [::1]:*"),
    ("FingerprintHash", "md5|sha256"),
    ("KnownHostsCommand", "none|/bin/k %H"),
    ("TCPKeepAlive", "yes|no"),
];

/// Lines that ssh may refuse.
const DOUBTFUL_LINES: &str = "User|User a b|User \"|Port 0|Port x|Port 70000|BatchMode maybe|Nonsense x|Match|Match x y|Match host|\
    ProxyJump a:b|ProxyJump @x|ProxyJump a,,b|ConnectTimeout x|ConnectTimeout 1h2|Ciphers x|Ciphers -x|Ciphers +x|MACs ,hmac-sha1|\
    HostKeyAlgorithms !x|HostKeyAlgorithms +RSA|KexAlgorithms -*|RekeyLimit 1|RekeyLimit 16 x|EscapeChar ab|IPQoS 999|IPQoS 0xff|\
    LocalForward 80|LocalForward a b|LocalForward 80 h|RemoteForward a:b:c:d:e f|DynamicForward 0|SetEnv a|SendEnv a=b|\
    HostName %x|HostName %%|ControlPath %x|ControlPath ${HOP_NOWHERE}|IdentityAgent ${HOP_NOWHERE}|IdentityAgent $a-b|\
    UserKnownHostsFile none x|UserKnownHostsFile \"\"|CanonicalDomains -x|CanonicalDomains a..b|Host|Host \"\"|Include|Include \"\"|\
    Include /nonexistent/*|Match all all|Match host web1* all|Match !all|Match host=web1* user=*|Match exec true|\
    Match exec \"exit 1\"|Match exec \"x %y\"|Match canonical|Match final|User =|= User x|User = = x|\"User\" x|Us\"er\" x|\
    StreamLocalBindMask 8|StreamLocalBindMask 01777|TunnelDevice x|AddKeysToAgent x|AddKeysToAgent yes 5|LogLevel x|\
    PermitRemoteOpen x|PermitRemoteOpen h:0|ConnectionAttempts 0|ConnectionAttempts -1|NumberOfPasswordPrompts x|\
    CanonicalizePermittedCNAMEs x|CompressionLevel 5|Protocol 1|IgnoreUnknown Non*|RemoteCommand %|LogVerbose none x|ForwardAgent $x-y";

/// What begins a block.
const BLOCKS: &str = "Host *|Host web1*|Host other|Host * !web1*|Host web?.example.com !other|Host real.* 10.*|Match all|\
    Match host *.example.com|Match host real.example,10.*|Match originalhost web1*|Match user one|Match !user one|\
    Match localuser *|Match exec true|Match exec \"test %h = web1.example.com\"|Match !exec false host web*|Match final|\
    Match !final|Match canonical|Match final all|Match host web* user two|Match originalhost !web1*,*";

fn sound_line() -> impl Strategy<Value = String> {
    (select(&SOUND_LINES[..]), any::<prop::sample::Index>(), written()).prop_map(
        |((keyword, values), index, written)| {
            let values: Vec<&str> = values.split('|').collect();
            written.line(keyword, values[index.index(values.len())])
        },
    )
}

fn one_of(lines: &'static str) -> impl Strategy<Value = String> {
    let lines: Vec<String> = lines.split('|').map(|line| line.trim_start().to_owned()).collect();
    select(lines)
}

/// How a line is written.
#[derive(Debug, Clone)]
struct Written {
    before: &'static str,
    between: &'static str,
    after: &'static str,
    shout: bool,
}

impl Written {
    fn line(&self, keyword: &str, value: &str) -> String {
        let keyword = if self.shout { keyword.to_uppercase() } else { keyword.to_owned() };
        [self.before, &keyword, self.between, value, self.after].concat()
    }
}

fn written() -> impl Strategy<Value = Written> {
    let before = select(vec!["", "", "  ", "\t"]);
    let between = select(vec![" ", " ", " ", "\t", "=", " = ", "   "]);
    let after = select(vec!["", "", "", " ", "\t\r", " \x0c"]);
    (before, between, after, proptest::bool::weighted(0.1)).prop_map(|(before, between, after, shout)| Written {
        before,
        between,
        after,
        shout,
    })
}

fn any_line() -> impl Strategy<Value = String> {
    prop_oneof![
        12 => sound_line(),
        3 => one_of(BLOCKS),
        1 => one_of("# a comment||   # another|\t|IgnoreUnknown x*|Include @DIR@/more"),
    ]
}

fn sound() -> impl Strategy<Value = String> {
    let files = (prop::collection::vec(any_line(), 0..24), prop::collection::vec(sound_line(), 0..4));
    files.prop_map(|(lines, more)| format!("{}\n#file: more\n{}\n", lines.join("\n"), more.join("\n")))
}

fn doubtful() -> impl Strategy<Value = String> {
    (sound(), one_of(DOUBTFUL_LINES), any::<prop::sample::Index>()).prop_map(|(text, line, index)| {
        let mut lines: Vec<&str> = text.split("\n#file").next().unwrap_or_default().lines().collect();
        lines.insert(index.index(lines.len() + 1), &line);
        lines.join("\n")
    })
}

/// Compares, and counts how many are refused.
fn compare(oracle: &Oracle, cases: u32, configurations: impl Strategy<Value = String>) -> u32 {
    let refused = std::cell::Cell::new(0);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let outcome = TestRunner::new(config).run(&configurations, |text| {
        let case = oracle.case(&text);
        let differences = oracle.differences(&case, HOST);
        refused.set(refused.get() + u32::from(oracle.refuses(&case, HOST)));
        prop_assert!(differences.is_empty(), "{}\n---\n{text}\n---", differences.join("\n"));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    refused.get()
}

#[test]
fn configurations_nobody_wrote_are_read_as_ssh_reads_them() {
    let Some(oracle) = Oracle::find() else { return };
    let refused = compare(&oracle, SOUND, sound());
    println!("{SOUND} generated configurations compared with {}, {refused} of them refused by both", oracle.version);
    assert!(refused * 4 < SOUND, "{refused} of {SOUND} are refused: they compare too little");
}

#[test]
fn what_ssh_refuses_we_refuse_at_the_same_line() {
    let Some(oracle) = Oracle::find() else { return };
    let refused = compare(&oracle, DOUBTFUL, doubtful());
    println!(
        "{DOUBTFUL} configurations with a doubtful line compared with {}, {refused} refused by both",
        oracle.version
    );
    assert!(refused * 4 > DOUBTFUL, "{refused} of {DOUBTFUL} are refused: they compare too little");
}
