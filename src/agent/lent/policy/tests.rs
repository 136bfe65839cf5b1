//! Is a signature given for the one login that was lent, and for nothing else? Honest clients, and others.

use std::collections::BTreeMap;

use super::super::host_key::tests::{blob, key, sign};
use super::super::userauth::tests::{data, login};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const SESSION: [u8; 32] = [5; 32];
const HOST: u8 = 1;
const OTHER_HOST: u8 = 2;
const MINE: u8 = 9;

fn terms(proof: Proof) -> LoanTerms {
    LoanTerms { user: "ec2-user".into(), key: blob(&key(MINE)), host_keys: vec![blob(&key(HOST))], proof }
}

fn armed(proof: Proof) -> SigningPolicy {
    let mut policy = SigningPolicy::new(terms(proof));
    policy.grant(1);
    policy.arm();
    policy
}

fn bind_of(host: u8, session: &[u8]) -> SessionBind {
    let signature = sign(&key(host), session, None);
    SessionBind { host_key: blob(&key(host)), session_id: session.to_vec(), signature, is_forwarding: false }
}

/// A policy with `proof`, after what an honest client does before it asks for its signature.
fn ready(proof: Proof) -> (SigningPolicy, Line) {
    let (mut policy, mut line) = (armed(proof), Line::default());
    match proof {
        Proof::Overheard => policy.overhear(&blob(&key(HOST)), &sign(&key(HOST), &SESSION, None)),
        _ => assert_eq!(policy.judge(&mut line, Ok(Request::Bind(bind_of(HOST, &SESSION)))), Verdict::Bound),
    }
    (policy, line)
}

/// The login that an honest client asks for.
fn honest<'a>(mine: &'a [u8], host_key: Option<&'a [u8]>) -> UserAuth<'a> {
    UserAuth {
        session_id: &SESSION,
        user: b"ec2-user",
        service: SERVICE,
        algorithm: b"ssh-ed25519",
        key: mine,
        host_key,
    }
}

/// A request for the honest login, changed.
fn request(change: impl FnOnce(&mut UserAuth<'_>)) -> Request {
    let (mine, host) = (blob(&key(MINE)), blob(&key(HOST)));
    let mut login_of = honest(&mine, Some(&host));
    change(&mut login_of);
    Request::Sign(SignRequest { key: mine.clone(), data: login(&login_of), flags: 0 })
}

fn verdict(proof: Proof, request: Request) -> Verdict {
    let (mut policy, mut line) = ready(proof);
    policy.judge(&mut line, Ok(request))
}

const ALL: [Proof; 3] = [Proof::Hostbound, Proof::Bound, Proof::Overheard];

#[test]
fn an_honest_login_is_signed_once_in_each_tier() {
    for proof in ALL {
        let (mut policy, mut line) = ready(proof);
        assert_eq!(policy.judge(&mut line, Ok(Request::Identities)), Verdict::Show, "{proof:?}");
        assert!(matches!(policy.judge(&mut line, Ok(request(|_| ()))), Verdict::Sign(_)), "{proof:?}");
        let again = policy.judge(&mut line, Ok(request(|_| ())));
        assert_eq!(again, Verdict::Refused(Refusal::Replay), "{proof:?}");
        assert_eq!(policy.judge(&mut line, Ok(Request::Identities)), Verdict::ShowNothing, "{proof:?}");
        assert_eq!(policy.account.refusals, BTreeMap::from([(Refusal::Replay, 1)]));
    }
}

#[test]
fn a_key_that_opens_one_door_is_signed_with_once_whatever_the_session() {
    let (mut policy, mut line) = (armed(Proof::SingleUseKey), Line::default());
    assert_eq!(policy.judge(&mut line, Ok(Request::Identities)), Verdict::Show);
    let mut ask = |change: fn(&mut UserAuth<'_>)| policy.judge(&mut line, Ok(request(change)));
    assert_eq!(ask(|login| login.user = b"root"), Verdict::Refused(Refusal::OtherUser));
    assert_eq!(ask(|login| login.host_key = Some(b"another")), Verdict::Refused(Refusal::NotHostbound));
    assert!(matches!(ask(|login| login.host_key = None), Verdict::Sign(_)));
    assert_eq!(ask(|login| login.session_id = &[6; 32]), Verdict::Refused(Refusal::NotArmed));
}

#[test]
fn a_login_that_is_not_the_one_lent_is_refused_by_name() {
    let other = blob(&key(7));
    let host = blob(&key(OTHER_HOST));
    type Change<'a> = Box<dyn Fn(&mut UserAuth<'_>) + 'a>;
    let table: [(Change<'_>, Refusal); 7] = [
        (Box::new(|login| login.user = b"root"), Refusal::OtherUser),
        (Box::new(|login| login.user = b""), Refusal::OtherUser),
        (Box::new(|login| login.service = b"ssh-userauth"), Refusal::OtherService),
        (Box::new(|login| login.algorithm = b"ssh-rsa"), Refusal::OtherAlgorithm),
        (Box::new(|login| login.session_id = &[6; 32]), Refusal::OtherSession),
        (Box::new(|login| login.session_id = b"short"), Refusal::OtherSession),
        (Box::new(|login| login.session_id = &[]), Refusal::OtherSession),
    ];
    for proof in ALL {
        for (index, (change, refusal)) in table.iter().enumerate() {
            assert_eq!(verdict(proof, request(change)), Verdict::Refused(*refusal), "{proof:?} {index}");
        }
    }
    // these borrow, so they come separately
    let Request::Sign(mut foreign) = request(|_| ()) else { unreachable!() };
    foreign.key = other;
    assert_eq!(verdict(Proof::Bound, Request::Sign(foreign)), Verdict::Refused(Refusal::OtherKey));
    let mine = blob(&key(MINE));
    let stolen = honest(&mine, Some(&host));
    let sign = SignRequest { key: mine.clone(), data: login(&stolen), flags: 0 };
    for proof in ALL {
        assert_eq!(verdict(proof, Request::Sign(sign.clone())), Verdict::Refused(Refusal::NotHostbound), "{proof:?}");
    }
}

#[test]
fn only_the_strictest_tier_insists_on_the_host_key_in_the_login() {
    let plain = |proof| verdict(proof, request(|login| login.host_key = None));
    assert_eq!(plain(Proof::Hostbound), Verdict::Refused(Refusal::NotHostbound));
    assert!(matches!(plain(Proof::Bound), Verdict::Sign(_)));
    assert!(matches!(plain(Proof::Overheard), Verdict::Sign(_)));
}

#[test]
fn what_is_no_login_is_refused_whatever_the_tier() {
    let mine = blob(&key(MINE));
    let of = |data: Vec<u8>, flags| Request::Sign(SignRequest { key: mine.clone(), data, flags });
    let honest = honest(&mine, None);
    for proof in ALL {
        for bytes in [&b"SSHSIG\0\0\0\x03git"[..], b"", &[0; 64]] {
            assert_eq!(verdict(proof, of(bytes.to_vec(), 0)), Verdict::Refused(Refusal::NotALogin));
        }
        let hostbased = data(&honest, b"hostbased");
        assert_eq!(verdict(proof, of(hostbased, 0)), Verdict::Refused(Refusal::NotALogin));
        let trailing = [login(&honest), vec![0]].concat();
        assert_eq!(verdict(proof, of(trailing, 0)), Verdict::Refused(Refusal::NotALogin));
        let flagged = of(login(&UserAuth { host_key: Some(&blob(&key(HOST))), ..honest }), 2);
        assert_eq!(verdict(proof, flagged), Verdict::Refused(Refusal::OtherAlgorithm));
    }
}

#[test]
fn a_bad_binding_spoils_its_connection_for_good() {
    let good = || bind_of(HOST, &SESSION);
    let table = [
        (SessionBind { is_forwarding: true, ..good() }, Refusal::PassedOn),
        (bind_of(OTHER_HOST, &SESSION), Refusal::Unbound),
        (SessionBind { signature: bind_of(OTHER_HOST, &SESSION).signature, ..good() }, Refusal::Unbound),
        (SessionBind { session_id: vec![6; 32], ..good() }, Refusal::Unbound),
        (bind_of(HOST, b"short"), Refusal::Unbound),
        (SessionBind { signature: Vec::new(), ..good() }, Refusal::Unbound),
    ];
    for (bind, refusal) in table {
        let (mut policy, mut line) = (armed(Proof::Hostbound), Line::default());
        assert_eq!(policy.judge(&mut line, Ok(Request::Bind(bind))), Verdict::BindRefused(refusal));
        let after = [Request::Bind(good()), request(|_| ())].map(|request| policy.judge(&mut line, Ok(request)));
        let poisoned = [Verdict::BindRefused(Refusal::Poisoned), Verdict::Refused(Refusal::Poisoned)];
        assert_eq!(after, poisoned);
        assert_eq!(policy.judge(&mut line, Ok(Request::Identities)), Verdict::ShowNothing);
    }
    let (mut policy, mut line) = ready(Proof::Hostbound);
    let twice = policy.judge(&mut line, Ok(Request::Bind(good())));
    assert_eq!(twice, Verdict::BindRefused(Refusal::BoundTwice));
    let (mut policy, mut line) = (armed(Proof::Bound), Line::default());
    assert_eq!(policy.judge(&mut line, Err(WireError::Short)), Verdict::Refused(Refusal::Malformed));
    let after = policy.judge(&mut line, Ok(Request::Bind(good())));
    assert_eq!(after, Verdict::BindRefused(Refusal::Poisoned));
}

#[test]
fn without_proof_nothing_is_shown_and_nothing_signed() {
    for proof in [Proof::Hostbound, Proof::Bound] {
        let (mut policy, mut line) = (armed(proof), Line::default());
        assert_eq!(policy.judge(&mut line, Ok(Request::Identities)), Verdict::ShowNothing);
        let signed = policy.judge(&mut line, Ok(request(|_| ())));
        assert_eq!(signed, Verdict::Refused(Refusal::OtherSession));
    }
    let (mut policy, mut line) = (armed(Proof::Overheard), Line::default());
    policy.overhear(&blob(&key(OTHER_HOST)), &sign(&key(OTHER_HOST), &SESSION, None));
    let signed = policy.judge(&mut line, Ok(request(|_| ())));
    assert_eq!(signed, Verdict::Refused(Refusal::OtherSession));
}

#[test]
fn one_grant_serves_one_connection_of_two() {
    let (mut policy, mut first) = ready(Proof::Bound);
    let mut second = Line::default();
    policy.judge(&mut second, Ok(Request::Bind(bind_of(HOST, &[8; 48]))));
    assert!(matches!(policy.judge(&mut first, Ok(request(|_| ()))), Verdict::Sign(_)));
    let race = policy.judge(&mut second, Ok(request(|login| login.session_id = &[8; 48])));
    assert_eq!(race, Verdict::Refused(Refusal::NotArmed));
    policy.grant(1);
    policy.arm();
    assert!(matches!(policy.judge(&mut second, Ok(request(|login| login.session_id = &[8; 48]))), Verdict::Sign(_)));
}

#[test]
fn outside_of_its_time_nothing_is_signed() {
    let (mut policy, mut line) = ready(Proof::Hostbound);
    policy.disarm();
    assert_eq!(policy.judge(&mut line, Ok(request(|_| ()))), Verdict::Refused(Refusal::NotArmed));
    assert_eq!(policy.judge(&mut line, Ok(Request::Identities)), Verdict::ShowNothing);
}

#[test]
fn everything_else_an_agent_can_do_is_refused() {
    let (mut policy, mut line) = ready(Proof::Hostbound);
    for kind in (0..=255).filter(|kind| ![11, 13, 27].contains(kind)) {
        let verdict = policy.judge(&mut line, Request::parse(&[kind]));
        assert_eq!(verdict, Verdict::Refused(Refusal::Unsupported), "{kind}");
    }
    let query = Request::Extension(b"query".to_vec());
    assert_eq!(policy.judge(&mut line, Ok(query)), Verdict::Refused(Refusal::Unsupported));
}

proptest! {
    #[test]
    fn whatever_comes_no_more_is_signed_than_granted_and_only_logins_of_the_user(
        messages in vec((0usize..2, message()), 0..24),
        granted in 0u32..3,
        proof in prop_oneof![Just(Proof::Hostbound), Just(Proof::Bound), Just(Proof::Overheard)],
    ) {
        let mut policy = SigningPolicy::new(terms(proof));
        policy.grant(granted);
        policy.arm();
        policy.overhear(&blob(&key(HOST)), &sign(&key(HOST), &SESSION, None));
        let mut lines = [Line::default(), Line::default()];
        let mut sessions = Vec::new();
        for (line, message) in messages {
            if let Verdict::Sign(order) = policy.judge(&mut lines[line], Request::parse(&message)) {
                let login = UserAuth::parse(&order.data).expect("only logins are signed");
                prop_assert_eq!(login.user, b"ec2-user");
                prop_assert_eq!(login.session_id, &SESSION[..]);
                sessions.push(login.session_id.to_vec());
            }
        }
        prop_assert!(sessions.len() <= granted.min(1) as usize, "the one proven session is signed for once");
    }
}

/// Messages close to honest ones, and any bytes.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let honest = prop_oneof![
        Just(Request::Identities.encode()),
        Just(Request::Bind(bind_of(HOST, &SESSION)).encode()),
        Just(Request::Bind(bind_of(OTHER_HOST, &[6; 32])).encode()),
        Just(request(|_| ()).encode()),
        Just(request(|login| login.host_key = None).encode()),
        Just(request(|login| login.user = b"root").encode()),
        Just(request(|login| login.session_id = &[6; 32]).encode()),
    ];
    let bent = (honest.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut bytes, at, value)| {
        let at = at.index(bytes.len());
        bytes[at] = value;
        bytes
    });
    prop_oneof![3 => honest, 2 => bent, 1 => vec(any::<u8>(), 0..60)]
}
