//! Single files, and the ways to say where they are: homes, folders, names, patterns.

use std::fs;

use super::{cp, noise, silently};
use crate::street::{ACC_PVT, DELL_PVT, Street, run};

#[test]
fn a_file_of_any_size_goes_up_and_comes_down() {
    let Some(street) = Street::start() else { return };
    let sizes = [0, 1, 32_767, 32_768, 261_120, 261_121, 1 << 20, 21_234_567];
    for size in sizes {
        street.put_here(format!("f{size}"), &noise(size as u64, size));
    }
    silently(cp(&street, sizes.map(|size| format!("f{size}")).into_iter().chain(["acc-pvt:".to_owned()])));
    fs::create_dir(street.laptop().join("back")).expect("a folder");
    let down = sizes.map(|size| format!("acc-pvt:f{size}"));
    silently(cp(&street, down.into_iter().chain(["back".to_owned()])));
    for size in sizes {
        let expected = noise(size as u64, size);
        assert!(fs::read(street.home(ACC_PVT).join(format!("f{size}"))).expect("it is there") == expected, "{size} up");
        assert!(
            fs::read(street.laptop().join(format!("back/f{size}"))).expect("it is here") == expected,
            "{size} down"
        );
    }
    assert_eq!(Street::parts(street.home(ACC_PVT)).len() + Street::parts(&street.laptop().join("back")).len(), 0);
}

#[test]
fn a_destination_is_a_folder_or_a_name() {
    let Some(street) = Street::start() else { return };
    street.put_here("f", b"new");
    street.put(ACC_PVT, "folder/f", b"old");
    street.put(ACC_PVT, "name", b"old, and longer");
    let home = street.home(ACC_PVT).to_owned();
    let absolute = format!("acc-pvt:{}/absolute", home.display());
    for (to, path) in [
        ("acc-pvt:folder", "folder/f"),
        ("acc-pvt:name", "name"),
        ("acc-pvt:fresh", "fresh"),
        ("acc-pvt:./folder/../dotted", "dotted"),
        (absolute.as_str(), "absolute"),
    ] {
        silently(cp(&street, ["f", to]));
        assert_eq!(fs::read(home.join(path)).expect("it is there"), b"new", "{to}");
    }
}

#[test]
fn a_tilde_is_the_home_folder() {
    let Some(street) = Street::start() else { return };
    if !street.own_homes() {
        return;
    }
    fs::create_dir(street.home(ACC_PVT).join("in")).expect("a folder");
    street.own(ACC_PVT);
    for (index, to) in ["~", "~/", "~/in", "~/in/named", "~ec2-user/in/by-user"].into_iter().enumerate() {
        let name = format!("f{index}");
        street.put_here(&name, name.as_bytes());
        silently(cp(&street, [name.clone(), format!("acc-pvt:{to}")]));
    }
    let there = ["f0", "f1", "in/f2", "in/named", "in/by-user"];
    let contents = there.map(|path| fs::read(street.home(ACC_PVT).join(path)).expect("it is there"));
    assert_eq!(contents, [b"f0", b"f1", b"f2", b"f3", b"f4"]);
    silently(cp(&street, ["acc-pvt:~/in/named", "back"]));
    assert_eq!(fs::read(street.laptop().join("back")).expect("it is here"), b"f3");
}

#[test]
fn patterns_are_matched_over_there() {
    let Some(street) = Street::start() else { return };
    for name in ["logs/a.gz", "logs/b.gz", "logs/c.txt", "logs/.hidden.gz", "more/a1.gz", "more/a2.gz", "more/b1.gz"] {
        street.put(ACC_PVT, name, name.as_bytes());
    }
    for folder in ["one", "two"] {
        fs::create_dir(street.laptop().join(folder)).expect("a folder");
    }
    silently(cp(&street, ["acc-pvt:logs/*.gz", "one/"]));
    silently(cp(&street, ["acc-pvt:mor?/[!b]?.gz", "two"]));
    let names = |folder: &str| {
        let entries = fs::read_dir(street.laptop().join(folder)).expect("list").map(|entry| entry.expect("list"));
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    };
    assert_eq!(
        (names("one"), names("two")),
        (vec!["a.gz".into(), "b.gz".into()], vec!["a1.gz".into(), "a2.gz".into()])
    );
    let ran = run(&mut cp(&street, ["acc-pvt:logs/*.zip", "one/"]));
    assert!(ran.code != Some(0) && ran.stderr.contains("logs/*.zip"), "{ran}");
}

#[test]
fn a_dry_run_says_the_plan_and_writes_nothing() {
    let Some(street) = Street::start() else { return };
    street.put_here("site/index.html", b"hello");
    street.put_here("site/sub/page.html", b"hello there");
    let ran = run(&mut cp(&street, ["--dry-run", "-r", "site", "acc-pvt:"]));
    assert_eq!(ran.code, Some(0), "{ran}");
    for word in ["index.html", "page.html", "upload"] {
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(word), "{word}: {ran}");
    }
    assert_eq!(fs::read_dir(street.home(ACC_PVT)).expect("list").count(), 0);
}

#[test]
fn without_hosts_in_a_config_one_key_serves_the_jumps_too() {
    let Some(street) = Street::start() else { return };
    let trust = format!(
        "UserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n",
        street.known_hosts().display()
    );
    street.put_here("trust", trust.as_bytes());
    street.put_here("f", b"content");
    let at = |host: &str| street.server(host).address;
    let (user, bastion, private) = (street.user(), at(crate::street::ACC_BASTION), at(ACC_PVT));
    let (jump, port) = (format!("{user}@{bastion}"), private.port().to_string());
    let to = format!("{user}@{}:", private.ip());
    let mut hop = street.on_laptop(env!("CARGO_BIN_EXE_hop"));
    silently({
        hop.args(["cp", "-F", "trust", "-i", "acc.pem", "-J", &jump, "-P", &port, "f", &to]);
        hop
    });
    assert_eq!(fs::read(street.home(ACC_PVT).join("f")).expect("it is there"), b"content");
}

#[test]
fn between_two_networks_with_two_keys_and_nothing_configured() {
    let Some(street) = Street::start() else { return };
    let trust = format!(
        "UserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n",
        street.known_hosts().display()
    );
    street.put_here("trust", trust.as_bytes());
    street.put(ACC_PVT, "f", b"from acc to dell");
    let at = |host: &str| street.server(host).address;
    let (user, acc, dell) = (street.user(), at(ACC_PVT), at(DELL_PVT));
    let jump = |private: std::net::SocketAddr, bastion| format!("{}={user}@{}", private.ip(), at(bastion));
    let mut hop = street.on_laptop(env!("CARGO_BIN_EXE_hop"));
    hop.args(["cp", "-F", "trust"]);
    hop.args(["-J", &jump(acc, crate::street::ACC_BASTION), "-J", &jump(dell, crate::street::DELL_BASTION)]);
    hop.args(["-i", &format!("{}=acc.pem", acc.ip()), "-i", &format!("{}=dell.pem", dell.ip())]);
    hop.args([format!("scp://{user}@{acc}/f"), format!("scp://{user}@{dell}/")]);
    silently(hop);
    assert_eq!(fs::read(street.home(DELL_PVT).join("f")).expect("it is there"), b"from acc to dell");
}

#[test]
fn two_users_of_one_host_are_two_places() {
    let Some(street) = Street::start() else { return };
    street.put(ACC_PVT, "mine", b"mine");
    street.put(ACC_PVT, "theirs", b"theirs");
    fs::create_dir(street.laptop().join("here")).expect("a folder");
    let ran = run(&mut cp(&street, ["acc-pvt:mine", "somebody-else@acc-pvt:theirs", "here"]));
    assert_eq!(ran.code, Some(14), "{ran}");
    assert!(!street.laptop().join("here/theirs").exists(), "read as another user than was named");
}
