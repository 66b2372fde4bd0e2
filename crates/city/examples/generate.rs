//! Generates a city and says how long it took: `generate RESIDENTS DAYS SEED FOLDER`.

use std::path::Path;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [residents, days, seed, folder] = arguments.as_slice() else {
        return Err("usage: generate RESIDENTS DAYS SEED FOLDER".into());
    };
    let options = city::Options { residents: residents.parse()?, days: days.parse()?, seed: seed.parse()? };
    let begun = Instant::now();
    let summary = city::generate(&options, Path::new(folder), &mut |_| {})?;
    println!(
        "{} persons, {} rows in {} files, {:.2} s",
        summary.persons,
        summary.rows,
        summary.files.len(),
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}
