//! Saved models: what they fix, what is said where they do not fit, how they are told apart.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use link::{Options, Outcome};
use proptest::prelude::*;

use crate::files::{file, row, town};
use crate::folder::Folder;

/// A model that was trained on a larger town, once for all cases.
fn model_of_a_town() -> &'static str {
    static MODEL: OnceLock<String> = OnceLock::new();
    MODEL.get_or_init(|| {
        let folder = Folder::new();
        let mut options = folder.options(&[folder.write("train.csv", file(&town(200)))]);
        options.save_model = Some(folder.path("model.toml"));
        folder.link(&options);
        std::fs::read_to_string(folder.path("model.toml")).expect("a model")
    })
}

/// Somebody who has nothing in common with the town.
fn stranger(number: usize) -> String {
    let letters = |mut left: usize| -> String {
        let mut word = "zyx".to_owned();
        for _ in 0..6 {
            word.push(char::from(b'a' + (left % 26) as u8));
            left = left / 26 * 7 + left % 17;
        }
        word
    };
    let dob = format!("{}-12-{}", 1901 + number % 29, 29 + number % 3);
    let phone = format!("9311{:06}", number * 7919 % 1_000_000);
    let said = [&letters(number), &letters(number * 31 + 5), "", &dob, &phone, "", "", "", ""].map(str::to_owned);
    row(&format!("z{number}"), &said)
}

fn linked_with(folder: &Folder, model: &str, text: &str, change: impl FnOnce(&mut Options)) -> Outcome {
    folder.write("model.toml", model);
    let input = folder.write("a.csv", text);
    let mut options = Options { model: Some(folder.path("model.toml")), ..folder.options(&[input]) };
    change(&mut options);
    folder.link(&options)
}

#[test]
fn a_model_has_a_version_that_explanations_and_pictures_name_and_that_changes_with_it() {
    let folder = Folder::new();
    let version = |model: &str| {
        let outcome = linked_with(&folder, model, &file(&town(30)), |options| {
            options.explain = Some(("f0m0a".to_owned(), "f0m0b".to_owned()));
            options.svg = Some(folder.path("why.svg"));
            options.save_model = Some(folder.path("again.toml"));
        });
        let (_, after) = outcome.text.split_once("; model ").expect("a model");
        let version = after.split(',').next().expect("a version").to_owned();
        let read = |name: &str| std::fs::read_to_string(folder.path(name)).expect("written");
        assert!(read("why.svg").contains(&version));
        assert!(read("again.toml").starts_with(&format!("version = \"{version}\"\n")));
        version
    };
    let model = model_of_a_town();
    assert!(model.contains(&version(model)));
    let changed = model.replace("block_records_max = 1000", "block_records_max = 999");
    assert_ne!(version(model), version(&changed));
}

#[test]
fn a_model_of_other_people_does_not_make_the_estimate_believe_in_names_it_never_saw() {
    let folder = Folder::new();
    let header = "record_id,given_name,surname,dob\n";
    let dob = |n: usize| format!("{}-{:02}-{:02}", 1930 + n * 7 % 80, 1 + n * 5 % 12, 1 + n * 11 % 28);
    let mut known = header.to_owned();
    for n in 0..1_500 {
        let said = format!("gi{},su{},{}", n * 7 % 37, n * 11 % 41, dob(n * 13 + n / 97));
        known += &format!("{n}a,{said}\n");
        if n % 3 == 0 {
            known += &format!("{n}b,{said}\n");
        }
    }
    let mut options = folder.options(&[folder.write("known.csv", &known)]);
    options.save_model = Some(folder.path("saved.toml"));
    folder.link(&options);
    let model = std::fs::read_to_string(folder.path("saved.toml")).expect("a model");
    assert_eq!(linked_with(&folder, &model, &known, |_| {}).summary.unlike, None);
    // Few names, every person once.
    let mut other = header.to_owned();
    for n in 0..3_000 {
        other += &format!(
            "o{n},{},{},{}\n",
            ["kwame", "abena", "kofi", "esi"][n % 4],
            ["okafor", "mensah", "boateng"][n % 3],
            dob(n)
        );
    }
    let outcome = linked_with(&folder, &model, &(known + other.strip_prefix(header).expect("a header")), |_| {});
    let of_others = folder.clusters().into_iter().filter(|cluster| cluster.iter().any(|id| id.starts_with('o')));
    let largest = of_others.map(|cluster| cluster.len()).max();
    if largest > Some(1) {
        assert!(outcome.summary.unlike.is_some() && outcome.summary.precision < 0.5, "{}", outcome.text);
        assert!(outcome.text.contains("unlike those of the model"), "{}", outcome.text);
    } else {
        panic!("the test asks nothing");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// With a fixed model, clusters depend on nothing but the records: not on their order, not on unrelated ones, not
    /// on records that were there and are gone.
    #[test]
    fn with_a_saved_model_the_clusters_are_a_function_of_the_records(
        order in Just((0..town(60).len()).collect::<Vec<usize>>()).prop_shuffle(),
        kept in 40..200_usize,
        strangers in 1..150_usize,
        block in 2..40_usize,
    ) {
        let folder = Folder::new();
        // Blocks of the town are split, and of how many records does not depend on how many there are.
        let model = model_of_a_town().replace("block_records_max = 1000", &format!("block_records_max = {block}"));
        prop_assert!(model != model_of_a_town());
        folder.write("model.toml", model);
        let rows = town(60);
        let linked = |rows: &[String]| {
            let input = folder.write("a.csv", file(rows));
            let options = Options { model: Some(folder.path("model.toml")), ..folder.options(&[input]) };
            folder.link(&options);
            folder.clusters()
        };
        let expected = linked(&rows);
        let shuffled: Vec<String> = order.iter().map(|place| rows[*place].clone()).collect();
        prop_assert_eq!(&linked(&shuffled), &expected);
        let mut more = rows.clone();
        more.extend((0..strangers).map(stranger));
        let is_of_town = |cluster: &BTreeSet<String>| !cluster.iter().any(|id| id.starts_with('z'));
        let with_strangers: BTreeSet<BTreeSet<String>> = linked(&more).into_iter().filter(is_of_town).collect();
        prop_assert_eq!(&with_strangers, &expected);
        let kept: Vec<String> = shuffled[..kept.min(shuffled.len())].to_vec();
        let alone = linked(&kept);
        let mut sorted = kept.clone();
        sorted.sort_unstable();
        prop_assert_eq!(linked(&sorted), alone);
    }
}
