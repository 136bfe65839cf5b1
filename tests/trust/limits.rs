//! Are the limits of the configuration kept: `RequiredRSASize` and `CASignatureAlgorithms`? Both clients before the same
//! sshd, with a key or an authority they know.

use hop::config::{Configuration, Flags, LocalEnv};
use hop::progress::Silent;
use hop::prompt::Asking;
use hop::target::HostSpec;
use hop::trust::{Lookup, Policy, verify};

use super::ground::{Files, Identity, World, block_on, run, tools};

/// An option, and whether ssh is expected to go on; the first is about the RSA key, the second about the certificate.
const SIZES: [(&str, bool); 4] = [
    ("RequiredRSASize=1024", true),
    ("RequiredRSASize=2048", true),
    ("RequiredRSASize=2049", false),
    ("RequiredRSASize=4096", false),
];
const SIGNATURES: [(&str, bool); 5] = [
    ("CASignatureAlgorithms=ssh-ed25519", true),
    ("CASignatureAlgorithms=rsa-sha2-512,ssh-ed25519", true),
    ("CASignatureAlgorithms=ecdsa-sha2-nistp256", false),
    ("CASignatureAlgorithms=-ssh-ed25519", false),
    ("CASignatureAlgorithms=^ecdsa-sha2-nistp256", true),
];

#[test]
fn a_short_rsa_key_proves_nothing() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let rsa = world.plain().into_iter().find(|identity| identity.title == "rsa").expect("an RSA host");
    let known = format!("host {}\n", rsa.key);
    SIZES.iter().for_each(|case| compare(&world, &rsa, &known, case));
}

#[test]
fn an_authority_signs_as_the_configuration_allows() {
    let Some(tools) = tools() else { return };
    let world = World::new(tools);
    let good = world.certified().into_iter().find(|identity| identity.title == "good").expect("a certificate");
    let known = format!("@cert-authority host {}\n", world.public("authority"));
    SIGNATURES.iter().for_each(|case| compare(&world, &good, &known, case));
}

fn compare(world: &World, identity: &Identity, known: &str, (option, expected): &(&str, bool)) {
    let files = Files::new(known, "");
    let options = [
        (*option).to_owned(),
        "StrictHostKeyChecking=yes".to_owned(),
        "BatchMode=yes".to_owned(),
        format!("HostKeyAlgorithms={}", identity.algorithm),
    ];
    let said = run(world.ssh(&identity.config, &files, &options).arg("nobody@host")).stderr;
    let said = String::from_utf8_lossy(&said);
    // whoever gets as far as a login trusts the host
    assert_eq!(said.contains("Permission denied"), *expected, "ssh, {option}:\n{said}");
    let verdict = block_on(verify(&lookup(&files, option), &identity.presented, Asking::nobody(), &Silent));
    assert_eq!(verdict.is_ok(), *expected, "hop, {option}: {:?}", verdict.err().map(|error| error.to_string()));
}

/// As the configuration says it.
fn lookup(files: &Files, option: &str) -> Lookup {
    let flags = Flags { config_file: Some("none".into()), options: vec![option.to_owned()], ..Flags::default() };
    let target = HostSpec { user: None, host: "host".to_owned(), port: None };
    let configuration = Configuration::load(flags, LocalEnv::default()).expect("a good option");
    let host = configuration.resolve(&target).expect("a host").remove(0);
    Lookup {
        shortest_rsa: host.required_rsa_size.value,
        authority_signatures: host.ca_signature_algorithms.map(|names| names.value),
        ..files.lookup(22, Policy::Strict)
    }
}
