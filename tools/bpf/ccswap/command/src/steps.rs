// SPDX-License-Identifier: GPL-2.0-only

//! The steps of a roll-out.

use std::str::FromStr;

/// A share of the new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u64);

impl Share {
    /// All of them.
    const ALL: Self = Self(10_000);

    /// It in ten thousandths.
    pub fn ten_thousandths(self) -> u64 {
        self.0
    }

    /// It in percent.
    pub fn percent(self) -> f64 {
        self.0 as f64 / 100.0
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let percent = text.trim().strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
        match percent.map(|percent| (percent * 100.0).round()) {
            Some(share) if (1.0..=10_000.0).contains(&share) => Ok(Self(share as u64)),
            _ => Err(format!("`{text}` is no share; write a percentage from 0.01% to 100%")),
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&format!("{}%", self.percent()))
    }
}

/// Rising shares; the last is all of the connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steps(Vec<Share>);

impl Steps {
    /// The shares that are held; the last is the update itself.
    pub fn but_last(&self) -> &[Share] {
        self.0.split_last().map_or(&[], |(_, rest)| rest)
    }
}

impl FromStr for Steps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let shares = text.split(',').map(str::parse).collect::<Result<Vec<Share>, _>>()?;
        if !shares.is_sorted_by(|one, next| one < next) {
            return Err("each step has to be larger than the one before".into());
        }
        if shares.last() != Some(&Share::ALL) {
            return Err("the last step has to be 100%, which is the update itself".into());
        }
        Ok(Self(shares))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_rise_to_all() {
        let steps: Steps = "0.5%,10%, 50%,100%".parse().unwrap();
        let held: Vec<_> = steps.but_last().iter().map(Share::to_string).collect();
        assert_eq!(held, ["0.5%", "10%", "50%"]);
        assert_eq!(steps.but_last()[0].ten_thousandths(), 50);
        assert!("100%".parse::<Steps>().unwrap().but_last().is_empty());
    }

    #[test]
    fn wrong_steps_are_refused() {
        for (text, said) in [
            ("", "no share"),
            ("10,100%", "no share"),
            ("0%,100%", "no share"),
            ("101%", "no share"),
            ("50%,10%,100%", "larger"),
            ("10%,10%,100%", "larger"),
            ("1%,50%", "100%"),
        ] {
            let error = text.parse::<Steps>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
