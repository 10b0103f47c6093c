// SPDX-License-Identifier: GPL-2.0-only

//! Two network namespaces and a slow link between them.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The namespace of those who connect.
const CLIENT: &str = "ccswap-client";
/// The namespace of those who are connected to.
const SERVER: &str = "ccswap-server";
/// The name of the device at either end.
const DEVICE: &str = "ccswap0";
/// The server's address and port.
pub const SERVER_ADDRESS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, 2), 5001);
/// The rate of the link, in Mbit/s.
pub const RATE: u32 = 20;
/// The delay of the link in each direction, in milliseconds.
pub const DELAY: u32 = 10;
/// How many packets wait for the link at most.
const QUEUE: u32 = 60;

/// The namespaces. They are removed when this is dropped.
#[derive(Debug)]
pub struct Topology(());

impl Topology {
    /// Makes the namespaces and the link.
    pub fn create() -> Result<Self> {
        for name in [CLIENT, SERVER] {
            if namespace(name).exists() {
                bail!(
                    "the network namespace {name} exists: another demo runs, or one was killed; \
                     in the latter case `ip netns del {name}`"
                );
            }
        }
        let topology = Self(());
        batch(
            "ip",
            &[],
            &format!(
                "netns add {CLIENT}\n\
                 netns add {SERVER}\n\
                 link add {DEVICE} netns {CLIENT} type veth peer name {DEVICE} netns {SERVER}\n"
            ),
        )?;
        for (name, host) in [(CLIENT, 1), (SERVER, 2)] {
            // Packets of one segment each, so that the queue counts segments.
            batch(
                "ip",
                &["-n", name],
                &format!(
                    "address add 10.77.0.{host}/24 dev {DEVICE}\n\
                     link set {DEVICE} up gso_max_segs 1\n"
                ),
            )?;
        }
        batch(
            "tc",
            &["-n", CLIENT],
            &format!(
                "qdisc add dev {DEVICE} root netem delay {DELAY}ms rate {RATE}mbit limit {QUEUE}\n"
            ),
        )?;
        batch(
            "tc",
            &["-n", SERVER],
            &format!("qdisc add dev {DEVICE} root netem delay {DELAY}ms\n"),
        )?;
        Ok(topology)
    }

    /// The clients' namespace.
    pub fn client(&self) -> PathBuf {
        namespace(CLIENT)
    }

    /// The server's namespace.
    pub fn server(&self) -> PathBuf {
        namespace(SERVER)
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        for name in [CLIENT, SERVER] {
            if !namespace(name).exists() {
                continue;
            }
            if let Err(error) = batch("ip", &[], &format!("netns del {name}\n")) {
                struct_ops::output::complain(format_args!(
                    "ccswap-demo: cannot clean up: {error:#}\n"
                ));
            }
        }
    }
}

/// Where iproute2 mounts a namespace.
fn namespace(name: &str) -> PathBuf {
    PathBuf::from("/run/netns").join(name)
}

/// Runs iproute2's `tool` with commands to read.
fn batch(tool: &str, args: &[&str], commands: &str) -> Result<()> {
    let mut child = Command::new(tool)
        .args(args)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {tool}; install iproute2"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(commands.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{tool} failed: {}; the demo needs root, and a kernel with network namespaces, \
             veth and netem",
            error.trim().replace('\n', "; ")
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_is_missing_or_fails_is_named() {
        let error = batch("ccswap-no-such-tool", &[], "").unwrap_err().to_string();
        assert!(error.contains("install iproute2"), "{error}");
        let error = batch("false", &[], "").unwrap_err().to_string();
        assert!(error.contains("false failed"), "{error}");
        assert!(batch("true", &[], "").is_ok());
    }
}
