//! What do the flags and the files say? They are read and checked once, for every host that is resolved later.
//!
//! Main type: [`Configuration`]. No host is resolved here; see `jump_chain.rs`.

use super::error::ConfigError;
use super::evaluate::resolver::{Resolver, SystemResolver};
use super::flags::Flags;
use super::local_env::LocalEnv;
use super::origin::Scope;
use super::parse::files::{ConfigFile, FileCheck, FileReader};
use super::values::keywords::Keyword;

/// The configuration of one run: flags and files, read and checked.
pub struct Configuration {
    pub(super) flags: Flags,
    pub(super) options: Vec<(String, Keyword, Vec<String>)>,
    pub(super) files: Vec<ConfigFile>,
    pub(super) local_env: LocalEnv,
    pub(super) names: Box<dyn Resolver>,
}

impl Configuration {
    /// Reads and checks the files and the flags.
    ///
    /// # Errors
    /// Lines that ssh would refuse (all of them, in one [`ConfigError::BadLines`]), a file that others could have
    /// written, a `-F` file that does not exist.
    pub fn load(flags: Flags, local_env: LocalEnv) -> Result<Configuration, ConfigError> {
        let mut reader = FileReader::new(&local_env);
        let read =
            |line: &String| reader.read_flag(line).map(|(keyword, words)| (format!("-o {line}"), keyword, words));
        let options = flags.options.iter().filter_map(read).collect();
        flags.jumps.iter().for_each(|jumps| reader.check_jumps(&jumps.value));
        let mut files = Vec::new();
        match &flags.config_file {
            Some(none) if none.as_os_str().eq_ignore_ascii_case("none") => {}
            Some(file) => {
                let missing = || ConfigError::Read { file: file.clone(), source: std::io::ErrorKind::NotFound.into() };
                files.push(reader.read(file, Scope::User, FileCheck::Nothing)?.ok_or_else(missing)?);
            }
            None => {
                let user = local_env.home.join(".ssh/config");
                let system = local_env.system_folder.join("ssh_config");
                files.extend(reader.read(&user, Scope::User, FileCheck::OwnerAndMode)?);
                files.extend(reader.read(&system, Scope::System, FileCheck::Nothing)?);
            }
        }
        reader.finish()?;
        Ok(Configuration { flags, options, files, local_env, names: Box::new(SystemResolver) })
    }

    /// Replaces the system's resolver.
    #[must_use]
    pub fn with_resolver(mut self, names: impl Resolver + 'static) -> Configuration {
        self.names = Box::new(names);
        self
    }
}
