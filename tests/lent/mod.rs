//! The lent agent on real servers: the source's own client logs in with a key that stays here, once; whoever tries more
//! is refused, and nothing is left behind.

mod attacker;
mod attacks;
mod constrained;
pub mod ephemeral;
mod greedy;
pub mod old;
mod older;
mod session;
mod tiers;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hop::chain::{Chain, ExitStatus, Output, Way};
use hop::config::{Configuration, Flags, LocalEnv};
use hop::lend::{LendError, Loan, LoanRequest, Running};
use hop::progress::Silent;
use hop::prompt::{NoPrompt, Prompt};
use hop::target::parse_host;
use tokio::time::timeout;

use crate::street::{ACC_PVT, DELL_PVT, Street, until};

const LIMIT: Duration = Duration::from_secs(90);

/// The ways to some hosts, over one chain.
fn ways<const N: usize>(street: &Street, hosts: [&str; N]) -> [Way; N] {
    ways_asking(street, hosts, Arc::new(NoPrompt))
}

/// Likewise, with somebody to ask.
fn ways_asking<const N: usize>(street: &Street, hosts: [&str; N], prompt: Arc<dyn Prompt>) -> [Way; N] {
    let flags = Flags { config_file: Some(street.config()), ..Flags::default() };
    let local_env = LocalEnv { home: street.laptop().to_owned(), env: HashMap::new(), ..LocalEnv::default() };
    let configuration = Configuration::load(flags, local_env).expect("the street's ssh_config");
    let chain = Chain::new(prompt, Arc::new(Silent));
    hosts.map(|host| {
        let target = parse_host(host.as_ref()).expect("a host's name");
        chain.way(configuration.resolve(&target).expect("the street's hosts"))
    })
}

/// A login at dell-pvt, lent to acc-pvt.
async fn loan(street: &Street, request: &LoanRequest) -> Result<Loan, LendError> {
    loan_between(street, ROLES[0], request).await
}

/// Who logs in where: the source of a copy at its destination, and, when that fetches, the destination at the source.
const ROLES: [Roles; 2] = [(ACC_PVT, DELL_PVT), (DELL_PVT, ACC_PVT)];

type Roles = (&'static str, &'static str);

/// A login at the second, lent to the first.
async fn loan_between(street: &Street, (by, at): Roles, request: &LoanRequest) -> Result<Loan, LendError> {
    let [source, destination] = ways(street, [by, at]);
    timeout(LIMIT, Loan::prepare(&source, &destination, request)).await.expect("in time")
}

/// What a script came to.
struct Said {
    code: Option<u32>,
    stdout: String,
    stderr: String,
}

async fn said(mut running: Running) -> Result<Said, LendError> {
    let mut said = Said { code: None, stdout: String::new(), stderr: String::new() };
    let reading = async {
        while let Some(output) = running.next().await? {
            match output {
                Output::Stdout(chunk) => said.stdout += &String::from_utf8_lossy(&chunk),
                Output::Stderr(chunk) => said.stderr += &String::from_utf8_lossy(&chunk),
                Output::Exit(ExitStatus::Code(code)) => said.code = Some(code),
                Output::Exit(ExitStatus::Signal(_)) => {}
            }
        }
        Ok::<_, LendError>(())
    };
    timeout(LIMIT, reading).await.expect("in time")?;
    Ok(said)
}

/// Runs a script while the agent is armed.
async fn run_there(loan: &Loan, script: &str) -> Said {
    said(loan.run(script.as_bytes()).await.expect("it starts")).await.expect("it ends")
}

/// Nothing of a loan is left on the source.
fn nothing_left(folder: &str) {
    until("the private folder is gone", || !Path::new(folder).exists());
}
