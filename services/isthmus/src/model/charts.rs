//! Pictures of a model and of a trial.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use chart::{Histogram, Parameter, Step, Waterfall, page, parameters, shares};
use linkage::{Explanation, Model, Preview};

use super::trial::{self, code};

/// Names of each kind that are drawn: the most frequent ones. A trained model knows none that few bear.
const NAMES_DRAWN: usize = 20;

/// Writes the pictures of a model: one as SVG, all of them as HTML.
pub(super) fn write(model: &Model, out: &Path) -> anyhow::Result<()> {
    let text = match out.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => shares_and_weights(model),
        Some("html") => {
            let words = [model.file().description.clone(), thresholds(model)];
            page(&format!("Linkage model {}", model.version()), &words, &of_model(model))
        }
        _ => bail!("{} ends neither with .html nor with .svg: name a file that does", out.display()),
    };
    std::fs::write(out, text).with_context(|| format!("{} cannot be written", out.display()))
}

/// Writes the report of a trial as HTML: the figures in words, weights, sample pairs, and the model.
pub(super) fn report(preview: &Preview, model: &Model, out: &Path) -> anyhow::Result<()> {
    let thresholds = &model.file().thresholds;
    let histogram = Histogram {
        weights: preview.weights.clone(),
        link_threshold: thresholds.link,
        review_threshold: thresholds.review,
    };
    let mut sections = vec![("Weights".to_owned(), vec![histogram.svg()])];
    for (heading, samples) in [
        ("Pairs that would come together, the weakest first", &preview.merge_samples),
        ("Pairs that would come apart, those strongest now first", &preview.split_samples),
    ] {
        let pictures: Vec<String> = samples.iter().map(|sample| waterfall(&sample.then).svg()).collect();
        if !pictures.is_empty() {
            sections.push((heading.to_owned(), pictures));
        }
    }
    sections.extend(of_model(model));
    let words: Vec<String> = trial::figures(preview);
    let text = page(&format!("{} on trial", preview.candidate_version), &words, &sections);
    std::fs::write(out, text).with_context(|| format!("{} cannot be written", out.display()))
}

fn of_model(model: &Model) -> Vec<(String, Vec<String>)> {
    let names = &model.file().names;
    let tables = [
        ("family", "Han surnames 汉姓", &names.family),
        ("characters", "characters of given names 名用字", &names.characters),
        ("latin-family", "Latin surnames 拉丁姓", &names.latin_family),
        ("latin-given", "Latin given names 拉丁名", &names.latin_given),
    ];
    let drawn = tables.into_iter().filter(|(.., table)| !table.is_empty());
    let pictures = drawn.map(|(id, title, table)| shares(id, title, &most_frequent(table))).collect();
    vec![
        ("Shares and weights".to_owned(), vec![shares_and_weights(model)]),
        ("The most frequent names".to_owned(), pictures),
    ]
}

fn shares_and_weights(model: &Model) -> String {
    let parameter = |entry: &linkage::LevelFile| Parameter {
        field: code(&entry.field),
        level: code(&entry.level),
        m: entry.m,
        u: entry.u,
    };
    parameters(&model.file().level.iter().map(parameter).collect::<Vec<_>>())
}

fn most_frequent(table: &BTreeMap<String, f64>) -> Vec<(String, f64)> {
    let mut entries: Vec<(String, f64)> = table.iter().map(|(name, share)| (name.clone(), *share)).collect();
    entries.sort_by(|x, y| y.1.total_cmp(&x.1).then_with(|| x.0.cmp(&y.0)));
    entries.truncate(NAMES_DRAWN);
    entries
}

fn thresholds(model: &Model) -> String {
    let file = model.file();
    format!(
        "Before looking, any two records are of one person at {:.2} bits; they are linked from {:.2} bits, and put up \
         for review from {:.2} bits.",
        file.prior.match_log2_odds, file.thresholds.link, file.thresholds.review
    )
}

fn waterfall(explanation: &Explanation) -> Waterfall {
    let step = |part: &linkage::Part| Step {
        field: code(&part.field),
        level: code(&part.level),
        bits: part.weight + part.frequency,
    };
    Waterfall {
        record_a: explanation.link.a.to_string(),
        record_b: explanation.link.b.to_string(),
        steps: explanation.link.parts.iter().map(step).collect(),
        link_threshold: explanation.link_threshold,
        review_threshold: Some(explanation.review_threshold),
        model_version: explanation.model_version.clone(),
        together: explanation.together,
        conflict: explanation.conflict.map(|field| code(&field)),
        order: explanation.order.as_ref().map(|order| chart::Order {
            same: order.verdict == domain::Verdict::Same,
            state: order.state.code().to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_drawn_whole_and_a_file_of_another_kind_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("zh.html");
        write(&Model::zh(), &out).expect("written");
        let html = std::fs::read_to_string(&out).expect("read");
        assert_eq!(html.matches("<svg ").count(), 1 + tables_of(&Model::zh()));
        assert!(html.contains("national id · same"));
        let error = write(&Model::zh(), &folder.path().join("zh.png")).expect_err("refused").to_string();
        assert!(error.contains("neither with .html nor with .svg"), "{error}");
    }

    fn tables_of(model: &Model) -> usize {
        let names = &model.file().names;
        let tables = [&names.family, &names.characters, &names.latin_family, &names.latin_given];
        tables.into_iter().filter(|table| !table.is_empty()).count()
    }
}
