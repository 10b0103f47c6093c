// SPDX-License-Identifier: GPL-2.0-only

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use struct_ops::link::LinkRef;

/// Attach BPF struct_ops links and swap the implementation behind a live name.
///
/// A link keeps a table of operations, such as a TCP congestion control,
/// registered. Updating it replaces the implementation while the name stays:
/// new connections get the new one, established ones keep what they have.
///
/// Exit status: 0 done, 1 failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the user can ask for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a table from an object, register it and pin its link
    Attach(Attach),
    /// Replace what is behind a link by a table from another object
    ///
    /// If anything fails, the link stays as it was.
    Update(Update),
    /// Show every struct_ops link, or which version the sockets of one run
    ///
    /// With a LINK, of a TCP congestion control, it shows the version behind the
    /// link and each older one that a socket still runs, and how many do.
    ///
    /// SOCKETS counts the TCP sockets (IPv4 and IPv6; bound, listening or
    /// connected) that use the name, in all network namespaces that a process
    /// or a mount holds.
    Status(Status),
    /// Unregister what is behind a link, and remove the pin if it is named
    ///
    /// Sockets that use it keep it until they close.
    Detach(OneLink),
    /// Wait until a link is detached, or until no socket runs an older version
    ///
    /// The link is held open meanwhile, so removing its pins does not end it.
    Watch(Watch),
}

/// Arguments of `attach`.
#[derive(Debug, Args)]
pub struct Attach {
    /// The BPF object file
    #[arg(value_name = "OBJ.bpf.o")]
    pub object: PathBuf,
    /// The table's map, if the object holds several
    #[arg(long, value_name = "NAME")]
    pub map: Option<String>,
    /// Where to pin the link [default: /sys/fs/bpf/ccswap/NAME, the name that
    /// the table registers, with - for each dot]
    ///
    /// The pin keeps the table registered; removing it (`ccswap detach`, rm)
    /// ends that.
    #[arg(long, value_name = "PATH")]
    pub pin: Option<PathBuf>,
}

/// Arguments of `update`.
#[derive(Debug, Args)]
pub struct Update {
    /// The link: its pin path, or id:N
    pub link: LinkRef,
    /// The BPF object file
    #[arg(value_name = "OBJ.bpf.o")]
    pub object: PathBuf,
    /// The table's map, if the object holds several
    #[arg(long, value_name = "NAME")]
    pub map: Option<String>,
    /// Update only if the link still holds this map, as `status` shows it
    #[arg(long, value_name = "MAP_ID")]
    pub expect_old: Option<u32>,
    /// Which sockets follow at once.
    #[command(flatten)]
    pub migrate: Migrate,
}

/// Which sockets `update` moves to the new table.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Move listening and connected sockets that run an older version, too
    ///
    /// Their congestion window stays; what the old version knew of the connection
    /// is released, and the new one begins. Without this they keep the old version.
    #[arg(long = "migrate")]
    pub wanted: bool,
    /// Only from versions whose map is older than this one
    #[arg(long, value_name = "MAP_ID", requires = "wanted")]
    pub older_than: Option<u32>,
    /// Only sockets with this port at either end
    #[arg(long, requires = "wanted")]
    pub port: Option<u16>,
    /// Only sockets of this network namespace, such as /run/netns/NAME
    #[arg(long, value_name = "FILE", requires = "wanted")]
    pub netns: Option<PathBuf>,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// The link: its pin path, or id:N
    pub link: LinkRef,
    /// Wait until no socket runs a version older than the link's, and show how many do
    #[arg(long)]
    pub until_drained: bool,
    /// Give up after so many seconds, with exit status 1
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The link whose versions are shown: its pin path, or id:N
    pub link: Option<LinkRef>,
    /// List the sockets of each version
    #[arg(long, requires = "link")]
    pub sockets: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Also show what is registered without a link: by a map, a kernel module
    /// or the kernel itself
    #[arg(long, conflicts_with = "link")]
    pub all: bool,
}

/// Arguments of the commands that name a link and nothing else.
#[derive(Debug, Args)]
pub struct OneLink {
    /// The link: its pin path, or id:N
    pub link: LinkRef,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    /// Parses a command line as the shell hands it over.
    fn parse(line: &str) -> Result<Command, clap::Error> {
        Cli::try_parse_from(line.split(' ')).map(|cli| cli.command)
    }

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn attach_takes_an_object_a_map_and_a_pin() {
        let Ok(Command::Attach(attach)) = parse("ccswap attach a.bpf.o --map m --pin /p") else {
            panic!("attach is not understood");
        };
        assert_eq!(attach.object, PathBuf::from("a.bpf.o"));
        assert_eq!(attach.map.as_deref(), Some("m"));
        assert_eq!(attach.pin, Some("/p".into()));
    }

    #[test]
    fn update_takes_a_link_first() {
        let Ok(Command::Update(update)) = parse("ccswap update id:4 a.bpf.o --expect-old 9") else {
            panic!("update is not understood");
        };
        assert_eq!(update.link, LinkRef::Id(4));
        assert_eq!(update.expect_old, Some(9));
    }

    #[test]
    fn wrong_usage_is_refused_with_status_2() {
        for (line, kind) in [
            ("ccswap", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
            ("ccswap attach", ErrorKind::MissingRequiredArgument),
            ("ccswap update id:x a.bpf.o", ErrorKind::ValueValidation),
            ("ccswap update /p a.bpf.o --expect-old x", ErrorKind::ValueValidation),
            ("ccswap update /p a.bpf.o --port 80", ErrorKind::MissingRequiredArgument),
            ("ccswap status --sockets", ErrorKind::MissingRequiredArgument),
            ("ccswap status id:1 --all", ErrorKind::ArgumentConflict),
            ("ccswap detach", ErrorKind::MissingRequiredArgument),
            ("ccswap swap", ErrorKind::InvalidSubcommand),
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{line}");
        }
    }
}
