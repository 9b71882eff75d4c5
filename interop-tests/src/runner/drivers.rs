//! Reads the languages and their driver programs from `drivers/drivers.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

/// The role of a driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sends requests.
    Client,
    /// Answers requests.
    Worker,
    /// Passes requests to workers.
    Broker,
}

impl Role {
    /// All roles, in the order of a triple.
    pub const ALL: [Self; 3] = [Self::Client, Self::Worker, Self::Broker];

    /// The name on command lines and in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Worker => "worker",
            Self::Broker => "broker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The driver of one language. The lists are the capabilities of each role; `None` is a role that
/// it does not support.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    command: Vec<String>,
    client: Option<Vec<String>>,
    worker: Option<Vec<String>>,
    broker: Option<Vec<String>>,
}

impl Driver {
    fn capabilities(&self, role: Role) -> Option<&Vec<String>> {
        match role {
            Role::Client => self.client.as_ref(),
            Role::Worker => self.worker.as_ref(),
            Role::Broker => self.broker.as_ref(),
        }
    }
}

/// All languages.
#[derive(Debug)]
pub struct Drivers {
    folder: PathBuf,
    programs: PathBuf,
    drivers: BTreeMap<String, Driver>,
}

impl Drivers {
    /// Reads `drivers.toml` in `folder`. `programs` is the folder of the programs that cargo builds
    /// for this package.
    pub fn read(folder: &Path, programs: &Path) -> Result<Self, String> {
        let path = folder.join("drivers.toml");
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let drivers = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { folder: folder.to_owned(), programs: programs.to_owned(), drivers })
    }

    /// The names of the languages that support a role.
    #[must_use]
    pub fn with_role(&self, role: Role) -> Vec<&str> {
        let able = self.drivers.iter().filter(|(_, driver)| driver.capabilities(role).is_some());
        able.map(|(name, _)| name.as_str()).collect()
    }

    /// Whether a language exists.
    #[must_use]
    pub fn has(&self, language: &str) -> bool {
        self.drivers.contains_key(language)
    }

    /// The first of `needs` that a language lacks in this role.
    #[must_use]
    pub fn lacking<'a>(&self, language: &str, role: Role, needs: &'a [String]) -> Option<&'a str> {
        let has = self.drivers.get(language).and_then(|driver| driver.capabilities(role));
        needs.iter().find(|need| !has.is_some_and(|has| has.contains(need))).map(String::as_str)
    }

    /// All capabilities of any driver in a role.
    #[must_use]
    pub fn capabilities(&self, role: Role) -> Vec<&str> {
        let mut all: Vec<&str> =
            self.drivers.values().filter_map(|d| d.capabilities(role)).flatten().map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The command that starts a language's driver in a role.
    ///
    /// # Errors
    ///
    /// The language does not exist or its driver is not built.
    pub fn command(&self, language: &str, role: Role) -> Result<Command, String> {
        let driver = self.drivers.get(language).ok_or_else(|| format!("the language {language} does not exist"))?;
        let place = |part: &String| {
            part.replace("{drivers}", &self.folder.to_string_lossy()).replace("{bin}", &self.programs.to_string_lossy())
        };
        let parts: Vec<String> = driver.command.iter().map(place).collect();
        if let Some(missing) = parts.iter().find(|part| part.starts_with('/') && !Path::new(part).exists()) {
            return Err(format!("{missing} is not built; run `make drivers`"));
        }
        let (role_position, with_role) = (parts.len(), role.as_str().to_owned());
        let mut command = Command::new(&parts[0]);
        // The role comes before the options, as in every driver.
        let options = parts[1..].iter().position(|part| part.starts_with("--")).map_or(role_position, |at| at + 1);
        command.args(&parts[1..options.min(parts.len())]).arg(with_role).args(&parts[options.min(parts.len())..]);
        Ok(command)
    }
}
