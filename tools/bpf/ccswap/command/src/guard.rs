// SPDX-License-Identifier: GPL-2.0-only

//! What a roll-out must hold: bounds on what is measured of the new version.

use std::str::FromStr;

use struct_ops::trial::{Account, Accounts};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    /// The share of segments that were sent again.
    Retransmits,
    /// The mean round trip time, in microseconds.
    Rtt,
    /// The mean delivery rate, in bits a second.
    Rate,
}

impl Metric {
    /// Its value for one version; none if nothing was seen of it.
    fn of(self, account: &Account) -> Option<f64> {
        match self {
            Self::Retransmits => account.retransmits(),
            Self::Rtt => account.rtt(),
            Self::Rate => account.rate(),
        }
    }

    /// What a unit stands for.
    fn unit(self, unit: &str) -> Option<f64> {
        match (self, unit) {
            (Self::Retransmits, "%") => Some(0.01),
            (Self::Rtt, "us") => Some(1.0),
            (Self::Rtt, "ms") => Some(1e3),
            (Self::Rtt, "s") => Some(1e6),
            (Self::Rate, "kbit") => Some(1e3),
            (Self::Rate, "mbit") => Some(1e6),
            (Self::Rate, "gbit") => Some(1e9),
            _ => None,
        }
    }
}

/// A bound.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Bound {
    /// A value.
    Value(f64),
    /// The old version's value times this.
    OfOld(f64),
}

/// One condition.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    /// As the user wrote it.
    text: String,
    /// What is measured.
    metric: Metric,
    /// Whether it must stay below the bound, and not above it.
    below: bool,
    /// The bound.
    bound: Bound,
}

/// Conditions that all must hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard(Vec<Condition>);

impl FromStr for Guard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|one| condition(one.trim())).collect::<Result<_, _>>().map(Self)
    }
}

impl std::fmt::Display for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts: Vec<_> = self.0.iter().map(|condition| condition.text.as_str()).collect();
        f.write_str(&texts.join(","))
    }
}

/// Reads a condition.
fn condition(text: &str) -> Result<Condition, String> {
    let wrong = || {
        format!(
            "`{text}` is no condition; write one such as retransmits<2%, rtt<+20% (more than the \
             old version's), rtt<30ms, rate>-10% or rate>5mbit"
        )
    };
    let at = text.find(['<', '>']).ok_or_else(wrong)?;
    let (name, rest) = text.split_at(at);
    let (below, value) = (rest.starts_with('<'), &rest[1..]);
    let metric = match name.trim() {
        "retransmits" => Metric::Retransmits,
        "rtt" => Metric::Rtt,
        "rate" => Metric::Rate,
        _ => return Err(wrong()),
    };
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit() && !".+-".contains(c));
    let (number, unit) = value.split_at(digits.ok_or_else(wrong)?);
    let parsed: f64 = number.parse().map_err(|_| wrong())?;
    let bound = if number.starts_with(['+', '-']) {
        if unit != "%" || parsed <= -100.0 {
            return Err(wrong());
        }
        Bound::OfOld(1.0 + parsed / 100.0)
    } else {
        Bound::Value(parsed * metric.unit(unit).ok_or_else(wrong)?)
    };
    Ok(Condition { text: text.into(), metric, below, bound })
}

impl Guard {
    /// The conditions that do not hold, with what was seen. What cannot be measured yet breaks none.
    pub fn broken(&self, accounts: &Accounts) -> Vec<String> {
        let broken = |condition: &Condition| {
            let seen = condition.seen(accounts)?;
            (!seen.holds).then(|| format!("{} is broken: it is {}", condition.text, seen.text))
        };
        self.0.iter().filter_map(broken).collect()
    }

    /// A line for each condition: whether it holds, with what was seen.
    pub fn lines(&self, accounts: &Accounts) -> Vec<String> {
        let line = |condition: &Condition| {
            let state = match condition.seen(accounts) {
                Some(Seen { holds: true, text }) => format!("holds: {text}"),
                Some(Seen { holds: false, text }) => format!("is broken: {text}"),
                None => "nothing seen yet".into(),
            };
            format!("guard  {:<18} {state}", condition.text)
        };
        self.0.iter().map(line).collect()
    }
}

/// What was seen of what a condition bounds.
struct Seen {
    /// Whether the condition holds.
    holds: bool,
    /// The value, and the old version's if that matters.
    text: String,
}

impl Condition {
    /// Looks at what was measured; none if nothing was yet.
    fn seen(&self, accounts: &Accounts) -> Option<Seen> {
        let value = self.metric.of(&accounts.new)?;
        let (bound, old) = match self.bound {
            Bound::Value(bound) => (bound, None),
            Bound::OfOld(factor) => {
                let old = self.metric.of(&accounts.old)?;
                (old * factor, Some(old))
            }
        };
        let within = if self.below { value < bound } else { value > bound };
        let against = old.map_or(String::new(), |old| {
            format!(", the old version's {}", shown(self.metric, old))
        });
        Some(Seen {
            // Nothing is below nothing more: both without retransmissions are alike.
            holds: within || old == Some(value),
            text: shown(self.metric, value) + &against,
        })
    }
}

/// A value with its unit.
fn shown(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Retransmits => format!("{:.2} %", value * 100.0),
        Metric::Rtt => format!("{:.3} ms", value / 1e3),
        Metric::Rate => format!("{:.3} Mbit/s", value / 1e6),
    }
}

/// What was seen of a version, for a table.
pub fn columns(account: &Account) -> [String; 3] {
    [Metric::Retransmits, Metric::Rtt, Metric::Rate]
        .map(|metric| metric.of(account).map_or("-".into(), |value| shown(metric, value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accounts with so many in ten thousand segments sent again, and so many microseconds of RTT.
    fn accounts(old: (u64, u64), new: (u64, u64)) -> Accounts {
        let account = |(retransmitted, rtt_us)| Account {
            segments: 10_000,
            retransmitted,
            rtt_us,
            rtt_samples: 1,
            bytes_per_second: 1_000_000,
            rate_samples: 1,
            ..Account::default()
        };
        Accounts { old: account(old), new: account(new) }
    }

    #[test]
    fn a_bound_is_a_value_or_relative_to_the_old_version() {
        let guard: Guard = "retransmits<2%, rtt<+20%".parse().unwrap();
        assert!(guard.broken(&accounts((0, 1000), (199, 1199))).is_empty());
        let said = guard.broken(&accounts((0, 1000), (201, 1300)));
        assert_eq!(
            said,
            [
                "retransmits<2% is broken: it is 2.01 %",
                "rtt<+20% is broken: it is 1.300 ms, the old version's 1.000 ms"
            ]
        );
    }

    #[test]
    fn a_bound_may_be_below() {
        let guard: Guard = "rate>-10%,rate>5mbit".parse().unwrap();
        assert!(guard.broken(&accounts((0, 1), (0, 1))).is_empty());
        let mut slow = accounts((0, 1), (0, 1));
        slow.new.bytes_per_second = 600_000;
        let said = guard.broken(&slow);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[1].contains("5mbit is broken: it is 4.800 Mbit/s"), "{said:?}");
    }

    #[test]
    fn two_that_lose_nothing_are_alike() {
        let guard: Guard = "retransmits<+50%".parse().unwrap();
        assert!(guard.broken(&accounts((0, 1), (0, 1))).is_empty());
        assert_eq!(guard.broken(&accounts((0, 1), (1, 1))).len(), 1);
    }

    #[test]
    fn says_of_each_condition_whether_it_holds() {
        let guard: Guard = "rtt<+20%,rtt<1ms,rate>1mbit".parse().unwrap();
        let mut accounts = accounts((0, 1000), (0, 1100));
        accounts.new.rate_samples = 0;
        assert_eq!(
            guard.lines(&accounts),
            [
                "guard  rtt<+20%           holds: 1.100 ms, the old version's 1.000 ms",
                "guard  rtt<1ms            is broken: 1.100 ms",
                "guard  rate>1mbit         nothing seen yet",
            ]
        );
    }

    #[test]
    fn what_was_not_seen_breaks_nothing() {
        let guard: Guard = "rtt<1us,rtt<+1%,retransmits<0%,rate>99gbit".parse().unwrap();
        assert!(guard.broken(&Accounts::default()).is_empty());
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            "rtt",
            "rtt<",
            "rtt<x",
            "rtt<20",
            "loss<2%",
            "rtt<+20ms",
            "rate<-100%",
            "rtt=2ms",
            "rtt<2%",
            "rtt<1ms,",
            "rtt<1.2.3ms",
        ] {
            let error = text.parse::<Guard>().unwrap_err();
            assert!(error.contains("is no condition"), "{text}: {error}");
        }
    }
}
