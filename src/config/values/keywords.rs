//! Which keywords are there? One row for each: its name, how its words are read, how a second line adds to the first,
//! the built-in value, and whether `ssh -G` shows it.
//!
//! Main types: [`Keyword`], [`KeywordRow`]. The rows are in the order in which `ssh -G` of OpenSSH 9.2 (Debian) prints
//! them; what the words mean is in `choices.rs`, `numbers.rs`, `readers.rs` and `forwards.rs`.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::algorithms::Family;
use super::reading::Env;
use super::{choices as c, forwards, numbers as n, readers as v};
use crate::config::lines::Words;

/// Reads the words after a keyword into the value's printed form, one item per word.
pub type ReadWords = fn(&mut Words<'_>, Env<'_>) -> Result<Vec<String>, String>;

/// What a line does if the keyword already has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnRepeat {
    /// Nothing: the first line wins.
    First,
    /// Nothing, and the first line counts even in a block that does not match (an oversight of OpenSSH's).
    FirstEverywhere,
    /// The last line wins, even in a block that does not match (the same oversight).
    LastEverywhere,
    /// Its value is added, unless it is already there.
    AddNew,
    /// Its value is added like `AddNew`, but to another keyword's values.
    AddNewTo(Keyword),
    /// `SendEnv`: its value is added; `-PATTERN` removes values.
    AddOrTakeAway,
    /// The first word is the keyword's own, the second that of another keyword; for each the first line wins.
    Two(Keyword),
    /// `ProxyJump` and `ProxyCommand`: whichever comes first excludes the other.
    Proxy,
}

/// How `ssh -G` shows a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// One line with all words; no line if there is no value.
    Line,
    /// One line per word.
    Each,
    /// One line with all words; `none` if there is no value.
    LineOrNone,
    /// In a form of its own, or not at all.
    Apart,
}

/// The row of a keyword.
pub struct KeywordRow {
    /// The keyword.
    pub keyword: Keyword,
    /// Its name as `ssh -G` prints it; all but one are in lowercase.
    pub name: &'static str,
    /// How its words are read.
    pub read: ReadWords,
    /// What a second line does.
    pub rule: OnRepeat,
    /// How it is shown.
    pub show: Show,
    /// The built-in value as words; empty if there is none.
    pub default: &'static [&'static str],
}

macro_rules! keywords {
    ($($variant:ident $name:literal $read:expr, $rule:expr, $show:expr, $default:expr;)*) => {
        /// A keyword of ssh_config that has a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Keyword { $($variant),* }

        /// Every keyword that has a value, in the order of `ssh -G`.
        pub const ROWS: &[KeywordRow] = &[$(KeywordRow {
            keyword: Keyword::$variant, name: $name, read: $read, rule: $rule, show: $show, default: &$default,
        }),*];
    };
}

use OnRepeat::{AddNew, AddNewTo, AddOrTakeAway, First, FirstEverywhere, LastEverywhere, Proxy, Two};
use Show::{Apart, Each, Line, LineOrNone};

keywords! {
    User "user" v::text, First, Line, [];
    Hostname "hostname" v::text, First, Line, [];
    Port "port" n::port, First, Line, ["22"];

    AddressFamily "addressfamily" c::address_family, First, Line, ["any"];
    BatchMode "batchmode" c::flag, First, Line, ["no"];
    CanonicalizeFallbackLocal "canonicalizefallbacklocal" c::flag, First, Line, ["yes"];
    CanonicalizeHostname "canonicalizehostname" c::canonicalize, First, Line, ["false"];
    CheckHostIP "checkhostip" c::flag, First, Line, ["no"];
    Compression "compression" c::compression, First, Line, ["no"];
    ControlMaster "controlmaster" c::control_master, First, Line, ["false"];
    EnableSSHKeysign "enablesshkeysign" c::flag, First, Line, ["no"];
    ClearAllForwardings "clearallforwardings" c::flag, First, Line, ["no"];
    ExitOnForwardFailure "exitonforwardfailure" c::flag, First, Line, ["no"];
    FingerprintHash "fingerprinthash" c::fingerprint_hash, First, Line, ["SHA256"];
    ForwardX11 "forwardx11" c::flag, First, Line, ["no"];
    ForwardX11Trusted "forwardx11trusted" c::flag, First, Line, ["yes"];
    GatewayPorts "gatewayports" c::flag, First, Line, ["no"];
    GssapiAuthentication "gssapiauthentication" c::flag, First, Line, ["no"];
    GssapiKeyExchange "gssapikeyexchange" c::flag, First, Line, ["no"];
    GssapiDelegateCredentials "gssapidelegatecredentials" c::flag, First, Line, ["no"];
    GssapiTrustDns "gssapitrustdns" c::flag, First, Line, ["no"];
    GssapiRenewalForcesRekey "gssapirenewalforcesrekey" c::flag, First, Line, ["no"];
    GssapiClientIdentity "gssapiclientidentity" v::text, First, Line, [];
    GssapiServerIdentity "gssapiserveridentity" v::text, First, Line, [];
    GssapiKexAlgorithms "gssapikexalgorithms" |w, _| v::algorithms(w, Family::GssapiKex), First, Line, [];
    HashKnownHosts "hashknownhosts" c::flag, First, Line, ["no"];
    HostbasedAuthentication "hostbasedauthentication" c::flag, First, Line, ["no"];
    IdentitiesOnly "identitiesonly" c::flag, First, Line, ["no"];
    KbdInteractiveAuthentication "kbdinteractiveauthentication" c::flag, First, Line, ["yes"];
    NoHostAuthenticationForLocalhost "nohostauthenticationforlocalhost" c::flag, First, Line, ["no"];
    PasswordAuthentication "passwordauthentication" c::flag, First, Line, ["yes"];
    PermitLocalCommand "permitlocalcommand" c::flag, First, Line, ["no"];
    ProxyUseFdpass "proxyusefdpass" c::flag, First, Line, ["no"];
    PubkeyAuthentication "pubkeyauthentication" c::pubkey_authentication, First, Line, ["true"];
    RequestTTY "requesttty" c::request_tty, First, Line, ["auto"];
    SessionType "sessiontype" c::session_type, First, Line, ["default"];
    StdinNull "stdinnull" c::flag, First, Line, ["no"];
    ForkAfterAuthentication "forkafterauthentication" c::flag, First, Line, ["no"];
    StreamLocalBindUnlink "streamlocalbindunlink" c::flag, First, Line, ["no"];
    StrictHostKeyChecking "stricthostkeychecking" c::strict_host_key_checking, First, Line, ["ask"];
    TCPKeepAlive "tcpkeepalive" c::flag, First, Line, ["yes"];
    Tunnel "tunnel" c::tunnel, First, Line, ["false"];
    VerifyHostKeyDNS "verifyhostkeydns" c::yes_no_ask, First, Line, ["false"];
    VisualHostKey "visualhostkey" c::flag, First, Line, ["no"];
    UpdateHostKeys "updatehostkeys" c::yes_no_ask, First, Line, [];
    EnableEscapeCommandline "enableescapecommandline" c::flag, First, Line, ["no"];

    CanonicalizeMaxDots "canonicalizemaxdots" n::number, First, Line, ["1"];
    ConnectionAttempts "connectionattempts" n::number, First, Line, ["1"];
    ForwardX11Timeout "forwardx11timeout" n::seconds, First, Line, ["1200"];
    NumberOfPasswordPrompts "numberofpasswordprompts" n::number, First, Line, ["3"];
    ServerAliveCountMax "serveralivecountmax" n::number, First, Line, ["3"];
    ServerAliveInterval "serveraliveinterval" n::seconds, First, Line, [];
    RequiredRSASize "requiredrsasize" n::number, First, Line, ["1024"];

    BindAddress "bindaddress" v::text, First, Line, [];
    BindInterface "bindinterface" v::text, First, Line, [];
    Ciphers "ciphers" |w, _| v::algorithms(w, Family::Cipher), First, Line, [];
    ControlPath "controlpath" v::text, First, Line, [];
    HostKeyAlgorithms "hostkeyalgorithms" |w, _| v::algorithms(w, Family::Key), First, Line, [];
    HostKeyAlias "hostkeyalias" v::text, First, Line, [];
    HostbasedAcceptedAlgorithms "hostbasedacceptedalgorithms" |w, _| v::algorithms(w, Family::Key), First, Line, [];
    IdentityAgent "identityagent" v::agent, First, Line, [];
    IgnoreUnknown "ignoreunknown" v::text, First, Line, [];
    KbdInteractiveDevices "kbdinteractivedevices" v::text, First, Line, [];
    KexAlgorithms "kexalgorithms" |w, _| v::algorithms(w, Family::Kex), First, Line, [];
    CASignatureAlgorithms "casignaturealgorithms" |w, _| v::algorithms(w, Family::Signature), First, Line, [];
    LocalCommand "localcommand" v::command, First, Line, [];
    RemoteCommand "remotecommand" v::command, First, Line, [];
    LogLevel "loglevel" c::log_level, First, Line, ["INFO"];
    MACs "macs" |w, _| v::algorithms(w, Family::Mac), First, Line, [];
    PKCS11Provider "pkcs11provider" v::text, First, Line, [];
    SecurityKeyProvider "securitykeyprovider" v::text, First, Line, ["internal"];
    PreferredAuthentications "preferredauthentications" v::text, First, Line, [];
    PubkeyAcceptedAlgorithms "pubkeyacceptedalgorithms" |w, _| v::algorithms(w, Family::Key), First, Line, [];
    RevokedHostKeys "revokedhostkeys" v::text, First, Line, [];
    XAuthLocation "xauthlocation" v::text, First, Line, ["/usr/bin/xauth"];
    KnownHostsCommand "knownhostscommand" v::command, First, Line, [];

    DynamicForward "dynamicforward" forwards::dynamic, AddNewTo(Keyword::LocalForward), Apart, [];
    LocalForward "localforward" forwards::local, AddNew, Apart, [];
    RemoteForward "remoteforward" forwards::remote, AddNew, Each, [];

    IdentityFile "identityfile" v::text, AddNew, Each, [
        "~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk",
        "~/.ssh/id_xmss", "~/.ssh/id_dsa"
    ];
    CanonicalDomains "canonicaldomains" v::canonical_domains, First, LineOrNone, [];
    CertificateFile "certificatefile" v::text, AddNew, Each, [];
    GlobalKnownHostsFile "globalknownhostsfile" v::names, First, LineOrNone, [];
    UserKnownHostsFile "userknownhostsfile" v::names, First, LineOrNone,
        ["~/.ssh/known_hosts", "~/.ssh/known_hosts2"];
    SendEnv "sendenv" v::send_env, AddOrTakeAway, Each, [];
    SetEnv "setenv" v::set_env, First, Each, [];
    LogVerbose "logverbose" v::log_verbose, First, LineOrNone, [];
    PermitRemoteOpen "permitremoteopen" v::permit_remote_open, First, Line, ["any"];
    AddKeysToAgent "addkeystoagent" v::add_keys_to_agent, First, Line, ["false"];
    ForwardAgent "forwardagent" v::forward_agent, Two(Keyword::ForwardAgentSocket), Apart, ["no"];
    ConnectTimeout "connecttimeout" n::seconds, First, LineOrNone, [];
    TunnelDevice "tunneldevice" v::tunnel_device, First, Line, ["any:any"];
    CanonicalizePermittedCNAMEs "canonicalizePermittedcnames" v::permitted_cnames, First, LineOrNone, [];
    ControlPersist "controlpersist" v::control_persist, First, Line, ["no"];
    EscapeChar "escapechar" v::escape_char, First, Line, ["~"];
    IPQoS "ipqos" n::ip_qos, First, Line, ["lowdelay", "throughput"];
    RekeyLimit "rekeylimit" n::rekey_limit, Two(Keyword::RekeyInterval), Apart, ["0"];
    StreamLocalBindMask "streamlocalbindmask" v::bind_mask, LastEverywhere, Line, ["0177"];
    SyslogFacility "syslogfacility" c::syslog_facility, FirstEverywhere, Line, ["USER"];
    ProxyCommand "proxycommand" v::command, Proxy, Apart, [];
    ProxyJump "proxyjump" v::proxy_jump, Proxy, Apart, [];

    ForwardAgentSocket "" v::text, First, Apart, [];
    RekeyInterval "" v::text, First, Apart, ["0"];

    // newer than 9.2: known, but not shown
    Tag "tag" v::text, First, Apart, [];
    RefuseConnection "refuseconnection" v::text, First, Apart, [];
    VersionAddendum "versionaddendum" v::version_addendum, First, Apart, [];
    ChannelTimeout "channeltimeout" v::channel_timeouts, First, Apart, [];
    ObscureKeystrokeTiming "obscurekeystroketiming" v::keystroke_timing, First, Apart, [];
    WarnWeakCrypto "warnweakcrypto" c::warn_weak_crypto, First, Apart, [];
}

/// Other names that OpenSSH still accepts.
const ALIASES: &[(&str, Keyword)] = &[
    ("canonicalizepermittedcnames", Keyword::CanonicalizePermittedCNAMEs),
    ("challengeresponseauthentication", Keyword::KbdInteractiveAuthentication),
    ("skeyauthentication", Keyword::KbdInteractiveAuthentication),
    ("tisauthentication", Keyword::KbdInteractiveAuthentication),
    ("dsaauthentication", Keyword::PubkeyAuthentication),
    ("identityfile2", Keyword::IdentityFile),
    ("keepalive", Keyword::TCPKeepAlive),
    ("hostbasedkeytypes", Keyword::HostbasedAcceptedAlgorithms),
    ("pubkeyacceptedkeytypes", Keyword::PubkeyAcceptedAlgorithms),
    ("smartcarddevice", Keyword::PKCS11Provider),
    ("protocolkeepalives", Keyword::ServerAliveInterval),
    ("setuptimeout", Keyword::ServerAliveInterval),
];

/// Keywords that OpenSSH accepts and ignores.
const WITHOUT_EFFECT: &[&str] = &[
    "protocol",
    "cipher",
    "fallbacktorsh",
    "globalknownhostsfile2",
    "rhostsauthentication",
    "useblacklistedkeys",
    "userknownhostsfile2",
    "useroaming",
    "usersh",
    "useprivilegedport",
    "afstokenpassing",
    "kerberosauthentication",
    "kerberostgtpassing",
    "rsaauthentication",
    "rhostsrsaauthentication",
    "compressionlevel",
];

/// What the word at the start of a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    /// A keyword with a value.
    Setting(Keyword),
    /// `Host`.
    Host,
    /// `Match`.
    Match,
    /// `Include`.
    Include,
    /// A keyword that is accepted and ignored, as OpenSSH does.
    WithoutEffect,
}

/// Looks up a keyword given in lowercase.
pub fn directive(name: &str) -> Option<Directive> {
    static DIRECTIVES: OnceLock<HashMap<&str, Directive>> = OnceLock::new();
    let directives = DIRECTIVES.get_or_init(|| {
        let rows = ROWS.iter().filter(|row| !row.name.is_empty()).map(|row| (row.name, row.keyword));
        let settings = rows.chain(ALIASES.iter().copied()).map(|(name, keyword)| (name, Directive::Setting(keyword)));
        let blocks = [("host", Directive::Host), ("match", Directive::Match), ("include", Directive::Include)];
        let others = WITHOUT_EFFECT.iter().map(|&name| (name, Directive::WithoutEffect));
        settings.chain(blocks).chain(others).collect()
    });
    directives.get(name).copied()
}

impl Keyword {
    /// The keyword's row.
    pub fn row(self) -> &'static KeywordRow {
        &ROWS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_at_its_keyword() {
        for row in ROWS {
            assert_eq!(row.keyword.row().name, row.name);
        }
    }

    #[test]
    fn names_are_found_in_lowercase() {
        assert_eq!(directive("proxyjump"), Some(Directive::Setting(Keyword::ProxyJump)));
        assert_eq!(
            directive("canonicalizepermittedcnames"),
            Some(Directive::Setting(Keyword::CanonicalizePermittedCNAMEs))
        );
        assert_eq!(directive("protocol"), Some(Directive::WithoutEffect));
        assert_eq!(directive(""), None);
        assert_eq!(directive("ProxyJump"), None);
    }
}
