// SPDX-License-Identifier: GPL-2.0-only

//! The file that tells `ccswap apply` what shall be attached.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// What shall be attached, and where.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The BPF object file.
    pub object: PathBuf,
    /// The table's map, if the object holds several.
    pub map: Option<String>,
    /// Where the link is pinned.
    pub pin: PathBuf,
    /// Whether an update moves sockets that run an older version, too.
    #[serde(default)]
    pub migrate: bool,
}

impl Config {
    /// Reads a file.
    pub fn read(file: &Path) -> Result<Self> {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&file.display().to_string(), &text)
    }

    /// Reads the text of a file of that name.
    fn parse(name: &str, text: &str) -> Result<Self> {
        let config: Self = match toml::from_str(text) {
            Ok(config) => config,
            Err(error) => {
                let before = error.span().and_then(|span| text.get(..span.start));
                let line = before.unwrap_or_default().matches('\n').count() + 1;
                bail!("{name}:{line}: {}", error.message().trim_end().replace('\n', ", "));
            }
        };
        for (key, path) in [("object", &config.object), ("pin", &config.pin)] {
            // A service has no folder of its own to begin at.
            if !path.is_absolute() {
                bail!("{name}: {key} is `{}`; it has to begin with /", path.display());
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a file.
    fn complaint(text: &str) -> String {
        Config::parse("a.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn an_object_and_a_pin_are_enough() {
        let config = Config::parse("a.toml", "object = \"/a.bpf.o\"\npin = \"/p\"\n").unwrap();
        let expected =
            Config { object: "/a.bpf.o".into(), map: None, pin: "/p".into(), migrate: false };
        assert_eq!(config, expected);
    }

    #[test]
    fn a_map_and_the_sockets_may_be_chosen() {
        let text = "object = \"/a\"\npin = \"/p\"\nmap = \"left\"\nmigrate = true\n";
        let config = Config::parse("a.toml", text).unwrap();
        assert_eq!((config.map.as_deref(), config.migrate), (Some("left"), true));
    }

    #[test]
    fn the_example_is_understood() {
        let config = Config::parse("example", include_str!("../../packaging/example.toml"));
        assert!(config.is_ok(), "{config:?}");
    }

    #[test]
    fn what_is_wrong_is_one_line_that_names_the_place() {
        let good = "object = \"/a\"\npin = \"/p\"\n";
        for (text, says) in [
            ("pin = \"/p\"\n".to_owned(), "missing field `object`"),
            ("object = \"/a\"\n".into(), "missing field `pin`"),
            (format!("{good}pim = \"/p\"\n"), "a.toml:3: unknown field `pim`"),
            (format!("{good}migrate = \"yes\"\n"), "a.toml:3: invalid type: string \"yes\""),
            (format!("{good}pin = \"/q\"\n"), "a.toml:3: duplicate key"),
            (format!("{good}map =\n"), "a.toml:3: "),
            ("object = \"a\"\npin = \"/p\"\n".into(), "object is `a`; it has to begin with /"),
            ("object = \"/a\"\npin = \"p\"\n".into(), "pin is `p`; it has to begin with /"),
        ] {
            let said = complaint(&text);
            assert!(said.starts_with("a.toml:") && said.contains(says), "{said}");
            assert!(!said.contains('\n'), "{said}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Config::read(Path::new("/absent.toml")).unwrap_err();
        assert!(format!("{error:#}").starts_with("cannot read /absent.toml: No such"), "{error:#}");
    }
}
