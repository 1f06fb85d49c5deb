//! All sources of settings together, in their order.

use super::{ConfigError, Overlay};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How many files `conf.d` may hold. Guess.
const FILES_MAX: usize = 256;

/// Where the settings of an agent come from. Later ones lie over earlier ones: the defaults,
/// `bruit.toml`, the files of `conf.d` in the order of their names, the user's file, the
/// environment, flags. One `file` that is named takes the place of all those files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The directory of `bruit.toml` and `conf.d`; it need not exist.
    pub etc: Option<PathBuf>,
    /// The user's directory, of `config.toml`; it need not exist.
    pub user: Option<PathBuf>,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The one file to read. It must exist.
    pub file: Option<PathBuf>,
    /// What the flags say.
    pub flags: Overlay,
}

impl Sources {
    /// Those of this process: `/etc/bruit`, `$XDG_CONFIG_HOME/bruit` or else `~/.config/bruit`,
    /// and its environment, which is kept as it is now.
    pub fn of_process(file: Option<PathBuf>, flags: Overlay) -> Self {
        let absolute = |name: &str| {
            let path = std::env::var_os(name).map(PathBuf::from);
            path.filter(|path| path.is_absolute())
        };
        let user = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
        Self {
            etc: Some(PathBuf::from("/etc/bruit")),
            user: user.map(|user| user.join("bruit")),
            environment: std::env::vars_os().collect(),
            file,
            flags,
        }
    }

    /// Reads all of them. Blocks.
    ///
    /// # Errors
    /// Everything that cannot be read or understood.
    pub fn read(&self) -> Result<Overlay, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let mut merged = Overlay::default();
        let mut lay = |layer: Result<Overlay, Vec<ConfigError>>| match layer {
            Ok(layer) => merged = layer.over(std::mem::take(&mut merged)),
            Err(these) => errors.extend(these),
        };
        match self.files() {
            Ok(files) => files.iter().for_each(|path| lay(Overlay::load(path))),
            Err(error) => lay(Err(vec![error])),
        }
        lay(Overlay::of_environment(self.environment.iter().cloned()));
        lay(Ok(self.flags.clone()));
        if errors.is_empty() { Ok(merged) } else { Err(errors) }
    }

    /// The files to read, those of lower rank first. Blocks.
    ///
    /// # Errors
    /// `conf.d` cannot be read, or holds too many.
    pub fn files(&self) -> Result<Vec<PathBuf>, ConfigError> {
        if let Some(file) = &self.file {
            return Ok(vec![file.clone()]);
        }
        let mut files = Vec::new();
        if let Some(etc) = &self.etc {
            files.extend(existing(etc.join("bruit.toml")));
            files.extend(of_directory(&etc.join("conf.d"))?);
        }
        // A home that a service may not even look into holds nothing for it.
        let user = self.user.as_ref().map(|user| user.join("config.toml"));
        files.extend(user.filter(|path| path.try_exists().unwrap_or(false)));
        Ok(files)
    }
}

/// The path, unless it is known that nothing is there.
fn existing(path: PathBuf) -> Option<PathBuf> {
    let is_absent = matches!(path.try_exists(), Ok(false));
    (!is_absent).then_some(path)
}

/// The `*.toml` files of a directory by name, without hidden ones.
fn of_directory(path: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let mut files = Vec::new();
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(files),
        Err(error) => return Err(unreadable(error)),
    };
    for entry in entries {
        let file = entry.map_err(unreadable)?.path();
        let is_hidden = file.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
        if is_hidden || file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        if files.len() == FILES_MAX {
            let what = format!("more than {FILES_MAX} files");
            return Err(ConfigError::TooMuch { path: path.to_owned(), what });
        }
        files.push(file);
    }
    files.sort();
    Ok(files)
}
