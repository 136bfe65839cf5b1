//! From which addresses does the destination see the source connect? [`addresses`], as the source reports them; for
//! `from=`.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::timeout;

use crate::chain::{Output, Session};
use crate::lend::client_config::Address;
use crate::lend::error::LendError;
use crate::lend::remote::marked_lines::nonce;
use crate::lend::remote::shell_line;

const SCRIPT: &str = include_str!("from.sh");
const ANSWER: Duration = Duration::from_secs(15);
/// The most bytes of output that are read: login shells may greet.
const MOST: usize = 64 * 1024;
/// The most addresses for `from=`; with more, none is used.
const ADDRESSES: usize = 8;

/// The source's addresses towards `peer`; empty if they cannot be found out.
pub async fn addresses(source: &Session, peer: &Address) -> Result<Vec<IpAddr>, LendError> {
    let word = format!("hop-{}", nonce(source)?);
    let script = shell_line::with_variables(&[("word", &word), ("peer", &peer.host)], SCRIPT);
    let mut process = source.exec(&shell_line::line(&script)).await?;
    let mut heard = Vec::new();
    let listen = async {
        while let Some(said) = process.output.next().await? {
            if let Output::Stdout(chunk) = said {
                heard.extend_from_slice(&chunk[..chunk.len().min(MOST.saturating_sub(heard.len()))]);
            }
        }
        Ok::<_, LendError>(())
    };
    match timeout(ANSWER, listen).await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(())) | Err(_) => Ok(found(&String::from_utf8_lossy(&heard), &word)),
    }
}

/// The addresses in the line that begins with `word`. The line is a stranger's, so nothing but addresses is taken from
/// it.
fn found(heard: &str, word: &str) -> Vec<IpAddr> {
    let line = heard.lines().rev().find_map(|line| line.trim_end().strip_prefix(word)).unwrap_or_default();
    let mut found: Vec<IpAddr> = line.split(' ').filter_map(|text| text.parse().ok()).collect();
    found.sort_unstable();
    found.dedup();
    if found.len() > ADDRESSES { Vec::new() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_are_believed() {
        let of = |heard: &str| found(heard, "w").iter().map(IpAddr::to_string).collect::<Vec<_>>();
        assert_eq!(of("Welcome!\nw 10.1.2.3 10.1.2.3 fd00::1\r\n"), ["10.1.2.3", "fd00::1"]);
        assert!(of("w *\n").is_empty() && of("w \"10.1.2.3\" 10.0.0.0/8 !1.2.3.4\n").is_empty());
        assert!(of("").is_empty() && of("w").is_empty() && of("10.1.2.3").is_empty());
        let many: String = (0..9).map(|last| format!(" 10.0.0.{last}")).collect();
        assert!(of(&format!("w{many}")).is_empty());
    }
}
