//! An honest login in each tier: it works once, and only once.

use hop::lend::{LoanRequest, Tier};

use super::{loan, nothing_left, run_there};
use crate::street::{DELL_PVT, Street};

const LOGIN: &str = "ssh -F \"$HOP_LENT\" -- dell-pvt 'cat secret'";

#[tokio::test(flavor = "multi_thread")]
async fn the_sources_own_client_logs_in_once_with_a_key_it_never_sees() {
    let Some(street) = Street::start() else { return };
    street.put(DELL_PVT, "secret", b"from dell-pvt");
    let loan = loan(&street, &LoanRequest::default()).await.expect("a loan");
    assert_eq!(loan.tier(), Tier::A, "the street has OpenSSH 9.2");
    let first = run_there(&loan, LOGIN).await;
    assert_eq!((first.code, first.stdout.as_str()), (Some(0), "from dell-pvt"), "{}", first.stderr);
    assert_eq!((loan.account().signatures, loan.account().refused()), (1, 0), "{:?}", loan.account());

    let again = run_there(&loan, LOGIN).await;
    assert_eq!(again.code, Some(255), "{}", again.stderr);
    assert!(again.stderr.contains("Permission denied (publickey)"), "{}", again.stderr);
    assert!(loan.account().refused() > 0, "{:?}", loan.account());

    let folder = loan.folder().to_owned();
    loan.close().await;
    nothing_left(&folder);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_type_of_host_key_proves_its_session() {
    let Some(street) = Street::start() else { return };
    street.put(DELL_PVT, "secret", b"from dell-pvt");
    for algorithm in ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512"] {
        street.configure(&format!("Host dell-pvt\n  HostKeyAlgorithms {algorithm}"));
        let loan = loan(&street, &LoanRequest::default()).await.expect("a loan");
        let ran = run_there(&loan, LOGIN).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "from dell-pvt"), "{algorithm}: {}", ran.stderr);
        assert_eq!((loan.account().signatures, loan.account().refused()), (1, 0), "{algorithm}: {:?}", loan.account());
    }
}
