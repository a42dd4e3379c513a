//! The trial that chose the rule of a duel: made-up noise of six kinds, the order of each block tossed as in a run, and
//! three rules at the same error. [ADR 14](../../../docs/adr/0014-sequential-judging.md) has its table, of 300 duels a
//! case; the test repeats what was decided by it with fewer.
//!
//! `AUTHLAB_TRIAL=300 cargo test -p authlab-reports --release rivals -- --nocapture` prints the table as it stands there.

use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::stakes::{Game, Side, noises};
use super::{LEAST_BLOCKS, MARGIN};
use crate::order_statistics::at_least;

/// Error of one metric of two, in one direction.
const ALPHA: f64 = 0.005;
/// Blocks of the longest duel.
const MOST: usize = 300;
/// Blocks after which the rivals look, each √2 as many as before.
const LOOKS: [usize; 9] = [20, 28, 39, 55, 77, 109, 153, 214, 300];
const SIGMA_IN_MAD: f64 = 1.4826;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Noise {
    Normal,
    /// Student's t with 2 degrees of freedom.
    Tails,
    /// Ten times as much for 5 blocks in 15, on average.
    Bursts,
    /// Four fifths of a block's are its neighbour's.
    Dependent,
    /// A wave of 30 blocks.
    Periodic,
    /// What grows all the time.
    Drift,
}

const NOISES: [Noise; 6] = [
    Noise::Normal,
    Noise::Tails,
    Noise::Bursts,
    Noise::Dependent,
    Noise::Periodic,
    Noise::Drift,
];

impl Noise {
    /// As the table names it.
    fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Tails => "heavy tails (t, 2 degrees)",
            Self::Bursts => "bursts (10 times the noise)",
            Self::Dependent => "dependent (0.8 of the neighbour's)",
            Self::Periodic => "periodic (30 blocks)",
            Self::Drift => "growing",
        }
    }
}

fn normal(random: &mut StdRng) -> f64 {
    let [one, other]: [f64; 2] = [(); 2].map(|()| random.random_range(f64::MIN_POSITIVE..1.0));
    (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos()
}

/// The differences of a duel: the noise of each block, for or against the head as the coin has it.
fn duel(kind: Noise, mad: f64, effect: f64, random: &mut StdRng) -> Vec<f64> {
    let sigma = SIGMA_IN_MAD * mad;
    let mut is_on = random.random_bool(0.33);
    let mut memory = normal(random);
    let phase = random.random_range(0.0..std::f64::consts::TAU);
    (0..MOST)
        .map(|block| {
            let value = normal(random);
            let noise = match kind {
                Noise::Normal => sigma * value,
                Noise::Tails => {
                    let squares = normal(random).powi(2) + normal(random).powi(2);
                    sigma * value / (squares / 2.0).sqrt() / 1.21
                }
                Noise::Bursts => {
                    let turns = random.random_bool(if is_on { 0.2 } else { 0.1 });
                    is_on ^= turns;
                    sigma * value * if is_on { 10.0 } else { 1.0 }
                }
                Noise::Dependent => {
                    memory = 0.8 * memory + 0.6 * value;
                    sigma * memory
                }
                Noise::Periodic => {
                    let wave = (0.21 * block as f64 + phase).sin();
                    std::f64::consts::SQRT_2 * mad * wave + 0.3 * sigma * value
                }
                Noise::Drift => 0.7 * sigma * value + 2.0 * mad * block as f64 / MOST as f64,
            };
            let tossed = if random.random_bool(0.5) {
                noise
            } else {
                -noise
            };
            effect.ln_1p() + tossed
        })
        .collect()
}

/// Blocks after which a rule says that the head is slower; none when it never does.
type Says = fn(&[f64]) -> Option<usize>;

const RULES: [(&str, Says); 4] = [
    ("this rule", by_stakes),
    ("by signs", by_signs),
    ("signed ranks", by_ranks),
    ("sign test", by_sign_test),
];

/// The rule of a duel.
fn by_stakes(values: &[f64]) -> Option<usize> {
    by_game(values, &noises(values))
}

/// The same, where each block counts by its side alone.
fn by_signs(values: &[f64]) -> Option<usize> {
    by_game(values, &vec![0.0; values.len()])
}

fn by_game(values: &[f64], noises: &[f64]) -> Option<usize> {
    let mut game = Game::against(MARGIN.ln_1p(), Side::Above);
    let mut blocks = values.iter().zip(noises).enumerate();
    let won = blocks.find(|(before, (value, noise))| {
        game.play(**value, **noise);
        before + 1 >= LEAST_BLOCKS && game.is_won(ALPHA)
    });
    won.map(|(before, _)| before + 1)
}

/// Wilcoxon's test at each look, by its normal approximation, the error shared out evenly.
fn by_ranks(values: &[f64]) -> Option<usize> {
    let critical = crate::order_statistics::normal_quantile(1.0 - ALPHA / LOOKS.len() as f64);
    LOOKS.into_iter().find(|look| {
        let mut beyond: Vec<f64> = values[..*look]
            .iter()
            .map(|value| value - MARGIN.ln_1p())
            .collect();
        beyond.sort_by(|one, other| one.abs().total_cmp(&other.abs()));
        let n = *look as f64;
        let ranks: f64 = (1..)
            .zip(&beyond)
            .filter(|(_, value)| **value > 0.0)
            .map(|(rank, _)| f64::from(rank))
            .sum();
        let spread = (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
        (ranks - 0.5 - n * (n + 1.0) / 4.0) / spread >= critical
    })
}

/// The sign test at each look, the error shared out evenly.
fn by_sign_test(values: &[f64]) -> Option<usize> {
    LOOKS.into_iter().find(|look| {
        let above = values[..*look]
            .iter()
            .filter(|value| **value > MARGIN.ln_1p());
        at_least(above.count(), *look) <= ALPHA / LOOKS.len() as f64
    })
}

/// Of so many duels, in how many a rule says *slower* within 60, 150 and 300 blocks.
fn slower(says: Says, kind: Noise, mad: f64, effect: f64, duels: usize) -> [usize; 3] {
    let mut random = StdRng::seed_from_u64(20);
    let mut within = [0; 3];
    for _ in 0..duels {
        let blocks = says(&duel(kind, mad, effect, &mut random));
        for (count, most) in within.iter_mut().zip([60, 150, 300]) {
            *count += usize::from(blocks.is_some_and(|blocks| blocks <= most));
        }
    }
    within
}

#[test]
fn no_noise_makes_false_alarms_however_often_somebody_looks() {
    // The head takes exactly the margin more, which is the worst that is no alarm: promised are 0.5 %, 2 of 400, and
    // more than 8 are less likely than one in a thousand by that.
    for kind in NOISES {
        let alarms = slower(by_stakes, kind, 0.025, MARGIN, 400)[2];
        assert!(alarms <= 8, "{kind:?}: {alarms} of 400");
    }
    let identical: usize = NOISES
        .into_iter()
        .map(|kind| slower(by_stakes, kind, 0.01, 0.0, 100)[2])
        .sum();
    assert_eq!(identical, 0);
}

#[test]
fn no_rival_is_better_in_bursts_and_heavy_tails_alike() {
    let found = |says| -> [usize; 2] {
        [Noise::Tails, Noise::Bursts].map(|kind| slower(says, kind, 0.025, 0.05, 100)[1])
    };
    let own = found(by_stakes);
    for (name, says) in &RULES[1..] {
        let rival = found(*says);
        // A few duels of a hundred are luck.
        assert!(
            own.iter().zip(rival).all(|(own, rival)| own + 6 >= rival),
            "{name}: {own:?} {rival:?}"
        );
    }
}

/// The rows of ADR 14's table: a kind of noise, its MAD, and the cost that is to be found.
const CASES: [(Noise, f64, f64); 16] = [
    (Noise::Normal, 0.025, 0.05),
    (Noise::Normal, 0.05, 0.05),
    (Noise::Normal, 0.05, 0.08),
    (Noise::Normal, 0.05, 0.10),
    (Noise::Tails, 0.025, 0.05),
    (Noise::Tails, 0.05, 0.08),
    (Noise::Bursts, 0.01, 0.05),
    (Noise::Bursts, 0.025, 0.05),
    (Noise::Bursts, 0.025, 0.08),
    (Noise::Bursts, 0.05, 0.10),
    (Noise::Dependent, 0.025, 0.05),
    (Noise::Dependent, 0.05, 0.08),
    (Noise::Periodic, 0.025, 0.05),
    (Noise::Periodic, 0.05, 0.08),
    (Noise::Drift, 0.025, 0.05),
    (Noise::Drift, 0.05, 0.08),
];

fn percent(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

/// The table of ADR 14, as it stands there.
#[test]
fn the_trial_is_printed_where_it_is_asked_for() {
    let asked = std::env::var("AUTHLAB_TRIAL").ok();
    let duels = asked.map_or(Ok(2), |duels| duels.parse());
    let duels = duels.expect("a number of duels");
    let names: Vec<&str> = RULES.iter().map(|(name, _)| *name).collect();
    println!("| noise | MAD | cost | {} |", names.join(" | "));
    println!("|---|---|---|---|---|---|---|");
    for (kind, mad, cost) in CASES {
        let cells = RULES.map(|(_, says)| {
            let within = slower(says, kind, mad, cost, duels);
            within
                .map(|count| (count * 100 / duels).to_string())
                .join(" / ")
        });
        let (mad, cost) = (percent(mad), percent(cost));
        println!(
            "| {} | {mad} | {cost} | {} |",
            kind.name(),
            cells.join(" | ")
        );
    }
    println!();
    for effect in [0.0, MARGIN] {
        let most = RULES.map(|(name, says)| {
            let of = |(kind, mad, _)| slower(says, kind, mad, effect, duels)[2];
            let most = CASES.into_iter().map(of).max().unwrap_or_default();
            assert!(effect > 0.0 || most <= 1, "{name}: {most} of {duels}");
            format!("{name} {most}")
        });
        let cost = percent(effect);
        println!(
            "Alarms in the worst case, of {duels} duels that cost {cost}: {}.",
            most.join(", ")
        );
    }
}
