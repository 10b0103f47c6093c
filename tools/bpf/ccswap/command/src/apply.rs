// SPDX-License-Identifier: GPL-2.0-only

//! `ccswap apply`: attach, update or detach what a file names, whatever there is by now.

use std::io::ErrorKind;

use anyhow::Result;
use struct_ops::link::{Link, LinkInfo, LinkRef};
use struct_ops::{Error, bpffs, output};

use crate::cli::{Apply, Attach, Migrate, OneLink, Source, Update};
use crate::config::Config;
use crate::{attach, detach, update};

/// Runs the command.
pub fn run(args: &Apply) -> Result<()> {
    let config = Config::read(&args.file)?;
    let link = LinkRef::Pin(config.pin.clone());
    let pinned = pinned(&link)?;
    if args.detach {
        return match pinned {
            Some(_) => detach::run(&OneLink { link }),
            None => Ok(output::say(format_args!("nothing is pinned at {link}"), "")?),
        };
    }
    let source = Source { object: config.object, map: config.map };
    match pinned {
        Some(LinkInfo { map_id: Some(_), .. }) => {
            let migrate = Migrate { wanted: config.migrate, ..Migrate::default() };
            update::run(&Update { link, source, expect_old: None, forget: false, migrate })
        }
        other => {
            // The link was detached by its id, which is for good.
            if let Some(detached) = other {
                bpffs::unpin(&config.pin, detached.id)?;
            }
            let pin = Some(config.pin);
            attach::run(&Attach { source, pin })
        }
    }
}

/// What the link at a pin is; none if nothing is there.
fn pinned(link: &LinkRef) -> Result<Option<LinkInfo>> {
    match Link::open(link) {
        Ok(link) => Ok(Some(link.info()?)),
        Err(Error::OpenLink { error, .. }) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pin_is_no_link_and_no_error() {
        assert_eq!(pinned(&LinkRef::Pin("/absent".into())).unwrap(), None);
    }

    #[test]
    fn what_is_no_pin_is_an_error() {
        let error = pinned(&LinkRef::Pin("/proc/version".into())).unwrap_err().to_string();
        assert!(error.contains("/proc/version"), "{error}");
    }
}
