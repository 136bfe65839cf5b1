//! What does hop do for each keyword? One answer for every keyword that has a value, so that none is dropped without a
//! word.
//!
//! Main function: [`support`]. A value that is not done is told under `-v` with its line, and to everybody where it
//! matters ([`Matters`]): distributions set some of them for all hosts, and a copy by cron says nothing when all went well.

use super::keywords::Keyword;
use crate::config::host::Matters;

/// What hop does for a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// What ssh_config(5) says.
    Done,
    /// Nothing, and nothing is missed: it is about something that hop does not do, or does not do differently.
    Meaningless,
    /// Nothing in this version; with the values by which nothing is missed, as `ssh -G` prints them.
    NotDone(Matters, &'static [&'static str]),
}

/// What hop does for `keyword`.
pub fn support(keyword: Keyword) -> Support {
    use Keyword as K;
    use Matters::{AtTerminals, ForHostKeys, ForLogins, InSessions, Little, WithDisplay};
    use Support::{Done, Meaningless, NotDone};
    match keyword {
        K::User | K::Hostname | K::Port | K::AddressFamily | K::BindAddress | K::BindInterface => Done,
        K::BatchMode | K::NumberOfPasswordPrompts | K::LogLevel | K::IgnoreUnknown | K::Tag => Done,
        K::CanonicalizeFallbackLocal | K::CanonicalizeHostname | K::CanonicalizeMaxDots => Done,
        K::CanonicalDomains | K::CanonicalizePermittedCNAMEs | K::RefuseConnection => Done,
        K::ConnectionAttempts | K::ConnectTimeout | K::TCPKeepAlive => Done,
        K::ServerAliveCountMax | K::ServerAliveInterval | K::Compression | K::RekeyLimit | K::RekeyInterval => Done,
        K::ProxyCommand | K::ProxyJump | K::ProxyUseFdpass | K::VersionAddendum => Done,
        K::Ciphers | K::MACs | K::KexAlgorithms | K::HostKeyAlgorithms => Done,
        K::CASignatureAlgorithms | K::PubkeyAcceptedAlgorithms | K::RequiredRSASize | K::WarnWeakCrypto => Done,
        K::StrictHostKeyChecking | K::CheckHostIP | K::HostKeyAlias | K::HashKnownHosts => Done,
        K::NoHostAuthenticationForLocalhost | K::UpdateHostKeys | K::RevokedHostKeys | K::KnownHostsCommand => Done,
        K::GlobalKnownHostsFile | K::UserKnownHostsFile => Done,
        K::IdentityFile | K::CertificateFile | K::IdentityAgent | K::IdentitiesOnly | K::AddKeysToAgent => Done,
        K::PreferredAuthentications | K::PasswordAuthentication | K::PubkeyAuthentication => Done,
        K::KbdInteractiveAuthentication | K::KbdInteractiveDevices => Done,
        K::ForwardAgent | K::ForwardAgentSocket | K::SendEnv | K::SetEnv => Done,
        K::RemoteCommand | K::LocalCommand | K::PermitLocalCommand | K::RequestTTY | K::SessionType => Done,
        K::StdinNull | K::ForkAfterAuthentication | K::EscapeChar => Done,
        K::LocalForward | K::RemoteForward | K::DynamicForward | K::PermitRemoteOpen => Done,
        K::ClearAllForwardings | K::ExitOnForwardFailure | K::GatewayPorts => Done,
        K::StreamLocalBindMask | K::StreamLocalBindUnlink => Done,

        // parts of what is not done
        K::ControlPath | K::ControlPersist | K::TunnelDevice => Meaningless,
        K::ForwardX11Timeout | K::ForwardX11Trusted | K::XAuthLocation => Meaningless,
        K::GssapiDelegateCredentials | K::GssapiTrustDns | K::GssapiRenewalForcesRekey => Meaningless,
        K::GssapiClientIdentity | K::GssapiServerIdentity | K::GssapiKexAlgorithms => Meaningless,
        K::HostbasedAcceptedAlgorithms | K::EnableSSHKeysign => Meaningless,
        // hop marks no packets, and writes no syslog
        K::IPQoS | K::SyslogFacility => Meaningless,

        K::Tunnel => NotDone(InSessions, &["false"]),
        // as `auto`, a master is a saving of time, and nobody asked for one by name
        K::ControlMaster => NotDone(InSessions, &["false", "auto", "autoask"]),
        K::ChannelTimeout => NotDone(InSessions, &["none"]),
        K::ForwardX11 => NotDone(WithDisplay, &["no"]),
        K::ObscureKeystrokeTiming => NotDone(AtTerminals, &["no"]),
        K::GssapiAuthentication | K::GssapiKeyExchange | K::HostbasedAuthentication => NotDone(ForLogins, &["no"]),
        K::PKCS11Provider => NotDone(ForLogins, &[]),
        K::SecurityKeyProvider => NotDone(ForLogins, &["internal"]),
        K::VerifyHostKeyDNS => NotDone(ForHostKeys, &["false"]),
        K::VisualHostKey | K::EnableEscapeCommandline => NotDone(Little, &["no"]),
        K::LogVerbose => NotDone(Little, &["none"]),
        K::FingerprintHash => NotDone(Little, &["SHA256"]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keywords::{Directive, ROWS, directive};
    use super::*;

    /// The keyword table of OpenSSH 10.5 (`readconf.c`), but for those it knows only to refuse or ignore.
    const OPENSSH: &str = "\
        gssapiauthentication gssapidelegatecredentials pkcs11provider smartcarddevice forwardagent forwardx11 \
        forwardx11trusted forwardx11timeout exitonforwardfailure xauthlocation gatewayports passwordauthentication \
        kbdinteractiveauthentication kbdinteractivedevices challengeresponseauthentication skeyauthentication \
        tisauthentication pubkeyauthentication dsaauthentication hostbasedauthentication identityfile identityfile2 \
        identitiesonly certificatefile addkeystoagent identityagent hostname hostkeyalias proxycommand port ciphers macs \
        remoteforward localforward permitremoteopen user tag escapechar globalknownhostsfile userknownhostsfile \
        connectionattempts batchmode checkhostip stricthostkeychecking compression tcpkeepalive keepalive \
        numberofpasswordprompts syslogfacility loglevel logverbose dynamicforward preferredauthentications \
        hostkeyalgorithms casignaturealgorithms bindaddress bindinterface clearallforwardings enablesshkeysign \
        verifyhostkeydns nohostauthenticationforlocalhost rekeylimit connecttimeout addressfamily serveraliveinterval \
        serveralivecountmax sendenv setenv controlpath controlmaster controlpersist hashknownhosts tunnel tunneldevice \
        localcommand permitlocalcommand remotecommand visualhostkey kexalgorithms ipqos requesttty sessiontype stdinnull \
        forkafterauthentication proxyusefdpass canonicaldomains canonicalizefallbacklocal canonicalizehostname \
        canonicalizemaxdots canonicalizepermittedcnames streamlocalbindmask streamlocalbindunlink revokedhostkeys \
        fingerprinthash updatehostkeys hostbasedacceptedalgorithms hostbasedkeytypes pubkeyacceptedalgorithms \
        pubkeyacceptedkeytypes ignoreunknown proxyjump securitykeyprovider knownhostscommand requiredrsasize \
        enableescapecommandline obscurekeystroketiming channeltimeout versionaddendum refuseconnection warnweakcrypto";

    /// Those that it accepts and ignores, or calls unsupported.
    const WITHOUT_EFFECT: &str = "\
        protocol cipher fallbacktorsh globalknownhostsfile2 rhostsauthentication userknownhostsfile2 useroaming usersh \
        useprivilegedport afstokenpassing kerberosauthentication kerberostgtpassing rsaauthentication \
        rhostsrsaauthentication compressionlevel";

    /// Those of distributions' patches.
    const PATCHED: &str = "\
        gssapikeyexchange gssapitrustdns gssapirenewalforcesrekey gssapiclientidentity gssapiserveridentity \
        gssapikexalgorithms";

    #[test]
    fn every_keyword_of_openssh_is_known() {
        for name in OPENSSH.split_whitespace() {
            assert!(matches!(directive(name), Some(Directive::Setting(_))), "{name}");
        }
        for name in WITHOUT_EFFECT.split_whitespace() {
            assert_eq!(directive(name), Some(Directive::WithoutEffect), "{name}");
        }
        for (name, expected) in
            [("host", Directive::Host), ("match", Directive::Match), ("include", Directive::Include)]
        {
            assert_eq!(directive(name), Some(expected));
        }
    }

    #[test]
    fn every_keyword_here_is_one_of_openssh() {
        let names: Vec<&str> = OPENSSH.split_whitespace().chain(PATCHED.split_whitespace()).collect();
        for row in ROWS.iter().filter(|row| !row.name.is_empty()) {
            assert!(names.contains(&row.name.to_ascii_lowercase().as_str()), "{}", row.name);
        }
    }

    #[test]
    fn nothing_is_missed_by_the_built_in_values() {
        for row in ROWS {
            if let Support::NotDone(_, harmless) = support(row.keyword) {
                let built_in = row.default.first().unwrap_or(&"none");
                assert!(row.default.is_empty() || harmless.contains(built_in), "{}: {built_in}", row.name);
            }
        }
    }
}
