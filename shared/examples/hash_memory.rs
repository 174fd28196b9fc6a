//! Time per password hash and resident memory before and after many of them (Linux):
//! `cargo run --release -p shared --example hash_memory -- 10000`.

use std::time::Instant;

use shared::password::{Hasher, Params, Password, Peppers};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: u32 = std::env::args().nth(1).map_or(Ok(1000), |argument| argument.parse())?;
    let hasher = Hasher::new(Params::default(), Peppers::default());
    let password = Password::new("correct horse battery staple".to_owned());

    println!("before: {}", resident()?);
    let hash = hasher.hash(&password, [0; 16])?;
    println!("after 1 hash: {}", resident()?);
    let start = Instant::now();
    for number in 1..count {
        // Half of them against a stored hash, half for unknown users, as a sign-in endpoint does it.
        hasher.verify(&password, (number % 2 == 0).then_some(&hash))?;
    }
    println!("{:.2} ms per hash", start.elapsed().as_secs_f64() * 1000.0 / f64::from(count.saturating_sub(1).max(1)));
    println!("after {count} hashes: {}", resident()?);
    Ok(())
}

/// `VmRSS` of this process.
fn resident() -> std::io::Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    Ok(status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("unknown").trim().to_owned())
}
