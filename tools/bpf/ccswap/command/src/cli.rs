// SPDX-License-Identifier: GPL-2.0-only

//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueHint};
use struct_ops::link::LinkRef;

use crate::guard::Guard;
use crate::steps::Steps;

/// Attach BPF struct_ops links and swap the implementation behind a live name.
///
/// A link keeps a table of operations, such as a TCP congestion control,
/// registered. Updating it replaces the implementation while the name stays:
/// new connections get the new one, established ones keep what they have.
///
/// Exit status: 0 done, 1 failed, 2 wrong usage.
#[derive(Debug, Parser)]
#[command(version, name = "ccswap", max_term_width = 100)]
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
    /// Give a new version to a growing share of new connections, while a guard holds
    ///
    /// A share of the new connections that choose the link's name gets the new version, under
    /// a second name. Those and the others are measured from the same moment. If the guard is
    /// broken, or ccswap is interrupted, all goes back. At 100 % the link is updated, and the
    /// second name goes away.
    ///
    /// If ccswap is killed, the kernel takes the second name back: the link is as it was (or
    /// updated, at the end), and connections that run the new version keep it until they close.
    Rollout(Rollout),
    /// Go back to the version before the last update
    ///
    /// update, rollout and rollback keep what they replace, by a pin below
    /// /sys/fs/bpf/ccswap-before. A second rollback goes forward again.
    Rollback(Rollback),
    /// Unregister what is behind a link, and remove the pin if it is named
    ///
    /// Sockets that use it keep it until they close.
    Detach(OneLink),
    /// Wait until a link is detached, or until no socket runs an older version, or show what
    /// happens to links
    ///
    /// On a terminal a table shows meanwhile how many sockets run each version, as in
    /// `status LINK`, if the user may see the sockets.
    ///
    /// The link is held open meanwhile, so removing its pins does not end it; but not with
    /// --events.
    Watch(Watch),
    /// Write the links and the sockets of their versions as metrics for Prometheus
    ///
    /// The text is that of node_exporter's textfile collector: a line for each link,
    /// and for each version behind a TCP congestion control's link its age and how
    /// many sockets run it, as in `status LINK`.
    ///
    /// How often a link was updated, the kernel does not tell. An update gives the
    /// link another map, so changes(struct_ops_link_map_id[1h]) counts those that
    /// were seen in an hour.
    Metrics(Metrics),
    /// Attach what a file names, or update the link if it is attached already
    ///
    /// This is what the service ccswap@NAME runs, with /etc/ccswap/NAME.toml. The
    /// file is TOML:
    ///
    /// object = "/usr/lib/bpf/x.bpf.o", the BPF object file
    ///
    /// pin = "/sys/fs/bpf/ccswap/x", where the link is pinned
    ///
    /// map = "NAME", the table's map, if the object holds several
    ///
    /// migrate = true, to have an update move sockets that run an older version
    Apply(Apply),
}

/// Where a table is loaded from.
#[derive(Debug, Args)]
pub struct Source {
    /// The BPF object file
    #[arg(value_name = "OBJ.bpf.o")]
    pub object: PathBuf,
    /// The table's map, if the object holds several
    #[arg(long, value_name = "NAME")]
    pub map: Option<String>,
}

/// Arguments of `attach`.
#[derive(Debug, Args)]
pub struct Attach {
    /// What is loaded.
    #[command(flatten)]
    pub source: Source,
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
    #[arg(value_hint = ValueHint::FilePath)]
    pub link: LinkRef,
    /// What is loaded.
    #[command(flatten)]
    pub source: Source,
    /// Update only if the link still holds this map, as `status` shows it
    #[arg(long, value_name = "MAP_ID")]
    pub expect_old: Option<u32>,
    /// Do not keep the version before for a rollback
    #[arg(long)]
    pub forget: bool,
    /// Which sockets follow at once.
    #[command(flatten)]
    pub migrate: Migrate,
}

/// Which sockets `update` and `rollback` move to what is behind the link then.
#[derive(Debug, Default, Args)]
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
    /// Only sockets of this control group or one below it, such as
    /// /sys/fs/cgroup/system.slice
    #[arg(long, value_name = "DIR", requires = "wanted")]
    pub cgroup: Option<PathBuf>,
    /// Only sockets with this port at either end
    #[arg(long, requires = "wanted")]
    pub port: Option<u16>,
    /// Only sockets of this network namespace, such as /run/netns/NAME
    #[arg(long, value_name = "FILE", requires = "wanted")]
    pub netns: Option<PathBuf>,
}

/// Arguments of `rollout`.
#[derive(Debug, Args)]
pub struct Rollout {
    /// The link: its pin path, or id:N
    pub link: LinkRef,
    /// What is loaded.
    #[command(flatten)]
    pub source: Source,
    /// The shares of new connections that get the new version
    #[arg(long, default_value = "1%,10%,50%,100%")]
    pub steps: Steps,
    /// How long each share is held, such as 30s or 5m
    #[arg(long, default_value = "30s")]
    pub hold: humantime::Duration,
    /// What must hold of the new version: retransmits, rtt or rate, above or below a value
    /// (2%, 30ms, 5mbit) or a value relative to the old version's (+20%, -10%)
    #[arg(long, default_value = "retransmits<2%,rtt<+20%")]
    pub guard: Guard,
    /// Judge when so many connections got the new version, and hold a share for that up to
    /// ten times as long
    #[arg(long, value_name = "CONNECTIONS", default_value_t = 10)]
    pub at_least: u64,
    /// Only connections of this control group or one below it [default: all]
    #[arg(long, value_name = "DIR")]
    pub cgroup: Option<PathBuf>,
    /// Write a report as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Load the object, say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `rollback`.
#[derive(Debug, Args)]
pub struct Rollback {
    /// The link: its pin path, or id:N
    pub link: LinkRef,
    /// Let the version before go, and change nothing else
    #[arg(long, conflicts_with = "wanted")]
    pub forget: bool,
    /// Which sockets follow at once.
    #[command(flatten)]
    pub migrate: Migrate,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// The link: its pin path, or id:N; with --events all links if it is not given
    #[arg(value_hint = ValueHint::FilePath, required_unless_present = "events")]
    pub link: Option<LinkRef>,
    /// Wait until no socket runs a version older than the link's, and show how many do
    #[arg(long)]
    pub until_drained: bool,
    /// Print a line whenever a link is created, updated, detached or released, or a create or
    /// update is refused
    ///
    /// With a LINK, it ends when that is released. The kernel has to have the tracepoints of
    /// struct_ops_link, which come with CONFIG_BPF_STRUCT_OPS_LINK_RUST.
    #[arg(long, conflicts_with = "until_drained")]
    pub events: bool,
    /// Give up after so many seconds, with exit status 1; with --events just end
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
    /// Print each event as JSON
    #[arg(long, requires = "events")]
    pub json: bool,
}

/// Arguments of `metrics`.
#[derive(Debug, Args)]
pub struct Metrics {
    /// Replace this file as a whole, instead of writing to standard output
    ///
    /// The collector reads names that end in .prom. If the command fails, the file
    /// stays as it was.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
pub struct Apply {
    /// The file
    #[arg(value_name = "FILE.toml")]
    pub file: PathBuf,
    /// Detach the link instead and remove its pin; do nothing if there is none
    #[arg(long)]
    pub detach: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct Status {
    /// The link whose versions are shown: its pin path, or id:N
    #[arg(value_hint = ValueHint::FilePath)]
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
    #[arg(value_hint = ValueHint::FilePath)]
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
        assert_eq!(attach.source.object, PathBuf::from("a.bpf.o"));
        assert_eq!(attach.source.map.as_deref(), Some("m"));
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
            ("ccswap rollout /p a.bpf.o --steps 50%", ErrorKind::ValueValidation),
            ("ccswap rollout /p a.bpf.o --guard loss", ErrorKind::ValueValidation),
            ("ccswap rollout /p a.bpf.o --hold x", ErrorKind::ValueValidation),
            ("ccswap rollback /p --forget --migrate", ErrorKind::ArgumentConflict),
            ("ccswap status --sockets", ErrorKind::MissingRequiredArgument),
            ("ccswap status id:1 --all", ErrorKind::ArgumentConflict),
            ("ccswap watch", ErrorKind::MissingRequiredArgument),
            ("ccswap watch id:1 --json", ErrorKind::MissingRequiredArgument),
            ("ccswap watch id:1 --events --until-drained", ErrorKind::ArgumentConflict),
            ("ccswap detach", ErrorKind::MissingRequiredArgument),
            ("ccswap swap", ErrorKind::InvalidSubcommand),
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{line}");
        }
    }
}
