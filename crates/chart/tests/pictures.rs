//! What every picture keeps.

use std::collections::BTreeMap;

use chart::{Histogram, Parameter, Step, Waterfall, page, parameters, shares};

fn step(field: &str, level: &str, bits: f64) -> Step {
    Step { field: field.to_owned(), level: level.to_owned(), bits }
}

fn waterfall() -> Waterfall {
    Waterfall {
        record_a: "r<17>".to_owned(),
        record_b: "\"r42\" & co".to_owned(),
        steps: vec![
            step("prior", "given", -21.4),
            step("name", "same", 17.3),
            step("birth_date", "near", 8.6),
            step("sex", "different", -6.2),
            step("phone", "contact", 9.9),
            step("kinship", "given", -1.5),
            step("shoe_size", "same", 1.0),
        ],
        link_threshold: 3.2,
        review_threshold: Some(-1.4),
        model_version: "zh-1+0123456789ab".to_owned(),
        together: true,
        conflict: None,
        order: None,
    }
}

/// The numbers that stand beside the bars.
fn beside_bars(svg: &str) -> Vec<f64> {
    let texts = svg.lines().filter(|line| line.starts_with("<text class=\"number\""));
    let inner =
        texts.filter_map(|line| line.split_once('>')?.1.split_once('<').map(|(text, _)| text.replace('−', "-")));
    inner.map(|text| text.parse().expect("a number")).collect()
}

#[test]
fn the_steps_of_a_waterfall_add_up_to_its_total() {
    let picture = waterfall();
    let shown = beside_bars(&picture.svg());
    let (total, steps) = shown.split_last().expect("a total");
    assert_eq!(steps.len(), picture.steps.len());
    assert!((steps.iter().sum::<f64>() - total).abs() < 0.06 * steps.len() as f64, "{shown:?}");
    assert!((total - picture.weight()).abs() < 0.051);
    // Each bar begins where the one before ended.
    let number = |line: &str, name: &str| -> f64 {
        let (_, rest) = line.split_once(&format!(" {name}=\"")).expect("an attribute");
        rest.split_once('"').expect("its end").0.parse().expect("a number")
    };
    let svg = picture.svg();
    let bars: Vec<(f64, f64)> = svg
        .lines()
        .filter(|line| line.starts_with("<rect class=\"for\"") || line.starts_with("<rect class=\"against\""))
        .map(|line| (number(line, "x"), number(line, "x") + number(line, "width")))
        .collect();
    let mut at = bars[0].1;
    for (step, (left, right)) in picture.steps.iter().zip(&bars) {
        let (from, to) = if step.bits < 0.0 { (*right, *left) } else { (*left, *right) };
        assert!((from - at).abs() < 0.25, "{step:?}: {from} {at}");
        at = to;
    }
}

#[test]
fn a_picture_is_the_same_text_every_time_and_holds_no_markup_of_its_figures() {
    let svg = waterfall().svg();
    assert_eq!(svg, waterfall().svg());
    assert!(svg.contains("r&lt;17&gt; · &quot;r42&quot; &amp; co"));
    assert!(!svg.contains("r<17>"));
    for hostile in ["<script>", "]]>", "\u{0}", "&", "\u{ffff}"] {
        let svg = shares("x", hostile, &[(hostile.to_owned(), 0.5)]);
        assert!(!svg.contains("<script>") && !svg.contains('\u{0}') && !svg.contains("& "), "{svg}");
    }
}

#[test]
fn every_picture_says_in_words_what_it_shows_and_asks_nothing_of_the_network() {
    let histogram = Histogram {
        weights: BTreeMap::from([(-3, 4), (0, 12), (9, 2_000)]),
        link_threshold: 3.0,
        review_threshold: -2.0,
    };
    let parameter = |level: &str, m, u| Parameter { field: "sex".to_owned(), level: level.to_owned(), m, u };
    let pictures = [
        waterfall().svg(),
        histogram.svg(),
        Histogram::default().svg(),
        parameters(&[parameter("same", 0.98, 0.5), parameter("different", 0.02, 0.5)]),
        shares("family", "Surnames", &[("王".to_owned(), 0.07)]),
    ];
    for svg in &pictures {
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("role=\"img\"") && svg.contains("<title id=") && svg.contains("<desc id="));
        assert!(svg.contains("prefers-color-scheme:dark"));
        assert!(!svg.contains("href") && !svg.contains("url("));
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{svg}");
    }
    let html = page("A & B", &["words".to_owned()], &[("all".to_owned(), pictures.to_vec())]);
    assert!(html.contains("<title>A &amp; B</title>") && html.matches("<svg ").count() == pictures.len());
}
