//! Through which hosts does the connection go? The target's `ProxyJump` list, and the lists of the jumps in turn,
//! become hops in dial order.
//!
//! Main function: [`hops`]. As with ssh, the first jump of a list is reached as its own block says, each later one
//! through the one before it. Flags are for the target, except that identities serve the jumps too. A host whose way
//! leads to itself is a loop, which is refused; one that a list names twice is passed twice.

use super::configuration::Configuration;
use super::error::ConfigError;
use super::evaluate::defaults::{CompleteSettings, complete};
use super::evaluate::pass::{Inputs, evaluate};
use super::evaluate::settings::{Applies, Settings};
use super::flags::{Flags, Patterned, Purpose};
use super::host::{AddressFamily, Host};
use super::origin::{Origin, SetBy};
use super::typed::typed_host;
use super::values::jump::Jump;
use super::values::keywords::Keyword;
use crate::target::HostSpec;
use crate::wildcard::{ListMatch, match_list_ignoring_case};

/// The largest number of hops in a chain, the target included.
const MOST_HOPS: usize = 32;

impl Configuration {
    /// The hosts to pass through, in the order they are dialled; the last one is the target. Blocks: names may be
    /// looked up and `Match exec` commands run.
    ///
    /// # Errors
    /// What ssh would refuse, a loop among the jumps, a name that a shell would interpret.
    pub fn resolve(&self, target: &HostSpec) -> Result<Vec<Host>, ConfigError> {
        hops(self, target)
    }
}

/// The hops to `target`, which is the last of them.
fn hops(configuration: &Configuration, target: &HostSpec) -> Result<Vec<Host>, ConfigError> {
    let mut builder = ChainBuilder { configuration, behind: Vec::new(), hops: Vec::new() };
    let complete = self::target(configuration, target)?;
    builder.add_with_jumps(target, &complete, &identities(&configuration.flags, &target.host))?;
    Ok(builder.hops)
}

/// The values of the target itself.
pub fn target(configuration: &Configuration, target: &HostSpec) -> Result<CompleteSettings, ConfigError> {
    let settings = from_flags(configuration, target)?;
    values(configuration, target, settings, &configuration.flags.purpose)
}

fn values(
    configuration: &Configuration,
    spec: &HostSpec,
    settings: Settings,
    purpose: &Purpose,
) -> Result<CompleteSettings, ConfigError> {
    let Configuration { files, local_env, names, .. } = configuration;
    let inputs = Inputs { files, local_env, purpose, names: &**names };
    let complete = complete(evaluate(inputs, &spec.host, settings)?, local_env)?;
    refuse_jump_to_self(&complete)?;
    match complete.settings.first(Keyword::RefuseConnection) {
        Some(refusal) => Err(ConfigError::Refused {
            host: spec.host.clone(),
            origin: refusal.origin.clone(),
            reason: refusal.word.clone(),
        }),
        None => Ok(complete),
    }
}

/// What the command line sets for the target.
fn from_flags(configuration: &Configuration, target: &HostSpec) -> Result<Settings, ConfigError> {
    let flags = &configuration.flags;
    let mut settings = for_every_hop(configuration);
    let mut say = |keyword: Keyword, words: &[String], flag: &str| {
        settings.take(keyword, words, SetBy::Flag(flag), Applies::Yes).map_err(|problem| {
            let origin = Origin::Flag(flag.to_owned());
            ConfigError::Value { host: target.host.clone(), keyword: keyword.row().name.to_owned(), origin, problem }
        })
    };
    for identity in identities(flags, &target.host) {
        say(Keyword::IdentityFile, &[identity], "-i")?;
    }
    if let Some(user) = &flags.user {
        say(Keyword::User, std::slice::from_ref(user), "-l")?;
    }
    if let Some(port) = flags.port {
        say(Keyword::Port, &[port.to_string()], "-p")?;
    }
    if flags.compression {
        say(Keyword::Compression, &["yes".to_owned()], "-C")?;
    }
    if let Some(jumps) = chosen_jumps(flags, &target.host) {
        let words: Vec<String> = jumps.split(',').map(str::to_owned).collect();
        say(Keyword::ProxyJump, &words, "-J")?;
    }
    for (flag, keyword, words) in &configuration.options {
        say(*keyword, words, flag)?;
    }
    set_from_spec(&mut settings, target);
    vet_typed(target, &settings)?;
    Ok(settings)
}

/// Vets the names typed on the command line, as ssh does: they end up in tokens and commands.
fn vet_typed(target: &HostSpec, settings: &Settings) -> Result<(), ConfigError> {
    let refuse = |keyword: Keyword, origin: Origin, why: &str| ConfigError::Value {
        host: target.host.clone(),
        keyword: keyword.row().name.to_owned(),
        origin,
        problem: why.to_owned(),
    };
    let host = crate::target::vet_host(&target.host);
    host.map_err(|why| refuse(Keyword::Hostname, Origin::Flag("host".to_owned()), why))?;
    match settings.first(Keyword::User) {
        Some(user) => {
            crate::target::vet_user(&user.word).map_err(|why| refuse(Keyword::User, user.origin.clone(), why))
        }
        None => Ok(()),
    }
}

/// What the command line sets for every hop: a run that may not ask for the target may not ask for a jump either.
fn for_every_hop(configuration: &Configuration) -> Settings {
    let Configuration { flags, options, .. } = configuration;
    let mut settings = Settings::default();
    if let Some(family) = flags.address_family {
        let (word, flag) = match family {
            AddressFamily::Any => ("any", "-4/-6"),
            AddressFamily::Inet => ("inet", "-4"),
            AddressFamily::Inet6 => ("inet6", "-6"),
        };
        settings.fill(Keyword::AddressFamily, &[word.to_owned()], SetBy::Flag(flag));
    }
    if flags.batch {
        settings.fill(Keyword::BatchMode, &["yes".to_owned()], SetBy::Flag("-B"));
    }
    if let Some((flag, _, words)) = options.iter().find(|(_, keyword, _)| *keyword == Keyword::BatchMode) {
        settings.fill(Keyword::BatchMode, words, SetBy::Flag(flag));
    }
    settings
}

fn applies<T>(patterned: &Patterned<T>, name: &str) -> Option<bool> {
    let pattern = patterned.pattern.as_ref()?;
    Some(match_list_ignoring_case(name, pattern) == ListMatch::Match)
}

/// The `-i` files for a host, in order: those without a pattern and those whose pattern matches.
fn identities(flags: &Flags, name: &str) -> Vec<String> {
    let fitting = flags.identities.iter().filter(|identity| applies(identity, name) != Some(false));
    fitting.map(|identity| identity.value.to_string_lossy().into_owned()).collect()
}

/// The `-J` list for a target: the first whose pattern matches, else the first without a pattern.
fn chosen_jumps<'a>(flags: &'a Flags, name: &str) -> Option<&'a str> {
    let matching = flags.jumps.iter().find(|jumps| applies(jumps, name) == Some(true));
    matching.or_else(|| flags.jumps.iter().find(|jumps| jumps.pattern.is_none())).map(|jumps| jumps.value.as_str())
}

/// Refuses a jump to a host through itself, as ssh does.
fn refuse_jump_to_self(complete: &CompleteSettings) -> Result<(), ConfigError> {
    let Some(last) = complete.settings.all(Keyword::ProxyJump).last() else { return Ok(()) };
    let Ok(jump) = Jump::parse(&last.word).and_then(Jump::vetted) else { return Ok(()) };
    let user = complete.settings.word(Keyword::User);
    let port = complete.settings.word(Keyword::Port);
    let same = jump.host == complete.host
        && jump.port.unwrap_or(22).to_string() == port
        && jump.user.as_deref().unwrap_or(user) == user;
    match same {
        true => Err(ConfigError::JumpLoop { way: vec![complete.alias.clone(), jump.host] }),
        false => Ok(()),
    }
}

/// A host whose jumps are being resolved.
#[derive(PartialEq)]
struct HostWithJumps {
    spec: HostSpec,
    jumps: Vec<String>,
}

struct ChainBuilder<'a> {
    configuration: &'a Configuration,
    /// The hosts whose jumps are being resolved, the target first, and the jumps of each.
    behind: Vec<HostWithJumps>,
    /// The hops resolved so far, in dial order.
    hops: Vec<Host>,
}

impl ChainBuilder<'_> {
    /// Resolves the hops before `spec`, then `spec` itself with the `-i` files `identities`.
    fn add_with_jumps(
        &mut self,
        spec: &HostSpec,
        complete: &CompleteSettings,
        identities: &[String],
    ) -> Result<(), ConfigError> {
        let jumps = complete.settings.all(Keyword::ProxyJump).iter().map(|jump| jump.word.clone()).collect();
        let pending = HostWithJumps { spec: spec.clone(), jumps };
        if self.behind.contains(&pending) {
            let names = self.behind.iter().chain([&pending]).map(|pending| pending.spec.to_string());
            return Err(ConfigError::JumpLoop { way: names.collect() });
        }
        if self.behind.len() >= MOST_HOPS {
            return Err(ConfigError::TooManyHops { host: self.behind[0].spec.host.clone(), most: MOST_HOPS });
        }
        self.behind.push(pending);
        self.add_jumps(complete, identities)?;
        self.behind.pop();
        self.hops.push(typed_host(complete, &self.configuration.local_env)?);
        Ok(())
    }

    /// Resolves the last jump of a list; those before it become that jump's own list, as in `ssh -J BEFORE LAST`.
    fn add_jumps(&mut self, from: &CompleteSettings, identities: &[String]) -> Result<(), ConfigError> {
        let Some((last, before)) = from.settings.all(Keyword::ProxyJump).split_last() else { return Ok(()) };
        let tokens = from.tokens.only("hknpr");
        let bad = |problem| from.bad(Keyword::ProxyJump, problem);
        let before = before.iter().map(|jump| tokens.expand(&jump.word)).collect::<Result<Vec<_>, _>>().map_err(bad)?;
        let spec = tokens.expand(&last.word).and_then(|text| Jump::parse(&text)).and_then(Jump::vetted).map_err(bad)?;
        let flags = &self.configuration.flags;
        let identities = jump_identities(flags, &spec.host, identities);
        let mut settings = for_every_hop(self.configuration);
        settings.fill(Keyword::IdentityFile, &identities, SetBy::Flag("-i"));
        settings.fill(Keyword::ProxyJump, &before, SetBy::BuiltIn);
        settings.set_origin(Keyword::ProxyJump, &last.origin);
        set_from_spec(&mut settings, &spec);
        settings.set_origin(Keyword::User, &last.origin);
        settings.set_origin(Keyword::Port, &last.origin);
        let complete = values(self.configuration, &spec, settings, &Purpose::Nothing)?;
        self.add_with_jumps(&spec, &complete, &identities)
    }
}

/// The `-i` files for a jump: as for any host, but if no pattern matches its name, those of the host behind it.
fn jump_identities(flags: &Flags, name: &str, behind: &[String]) -> Vec<String> {
    match flags.identities.iter().any(|identity| applies(identity, name) == Some(true)) {
        true => identities(flags, name),
        false => behind.to_vec(),
    }
}

/// Sets the user and port given together with a host's name.
fn set_from_spec(settings: &mut Settings, spec: &HostSpec) {
    if let Some(user) = &spec.user {
        settings.fill(Keyword::User, std::slice::from_ref(user), SetBy::Flag("user@host"));
    }
    if let Some(port) = spec.port {
        settings.fill(Keyword::Port, &[port.to_string()], SetBy::Flag("host:port"));
    }
}
