//! The report as one page: no script, no network, light and dark, from a phone to a wall.

use std::fmt::Write;

use super::chart::{frontier, method_class, reliability, savings, traffic};
use super::svg::escaped;
use super::table::{percent, signed};
use super::{Overall, Report, STYLE};
use crate::replay::{PolicyVerdict, Slice};
use crate::verdict::Verdict;

pub(super) fn page(report: &Report) -> String {
    let mut body = String::new();
    // Writing to a text cannot fail, so the results are dropped here and below.
    let _ = write!(body, "<header><h1>What routing would have bought</h1><p>{}</p></header>", lead(report));
    if let Some(gate) = &report.gate {
        let (class, word) = if gate.ship { ("ship", "Ship") } else { ("hold", "Do not ship") };
        let _ = write!(body, r#"<p class="gate {class}"><strong>{word}:</strong> {}.</p>"#, escaped(&gate.reason));
    }
    if report.verdicts.len() > 1 {
        let names: Vec<String> = report
            .verdicts
            .iter()
            .map(|verdict| format!(r##"<a href="#{0}">{0}</a>"##, escaped(&verdict.pool)))
            .collect();
        let _ = write!(body, "<nav>{}</nav><section><h2>All pools</h2>{}</section>", names.join(" "), overall(report));
    }
    for verdict in &report.verdicts {
        body.push_str(&section(verdict));
    }
    body.push_str(&provenance(report));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><title>Pointsman: what routing would have bought</title>\
         <style>{STYLE}</style></head><body>{body}</body></html>\n"
    )
}

fn lead(report: &Report) -> String {
    let n: usize = report.verdicts.iter().map(|verdict| verdict.n_prompts).sum();
    let routed = report.verdicts.iter().any(|verdict| verdict.has_router);
    let what = if routed { "The router and the plain methods" } else { "The plain methods (no router was given)" };
    format!(
        "{what}, judged on {n} prompts whose answers by every candidate are known. Higher and further left is better; \
             what is not above the dashed line could be had by mixing models blindly."
    )
}

fn section(verdict: &Verdict) -> String {
    let first = &verdict.methods[0];
    let mut text = format!(r#"<section id="{0}"><h2>{0}</h2>"#, escaped(&verdict.pool));
    let of = if verdict.n_prompts < verdict.n_of { format!(" of {}", verdict.n_of) } else { String::new() };
    let gain = &first.figures.gain;
    let _ = write!(
        text,
        "<p>{}{of} prompts, {} models. {}: gain over blind mixing <strong>{}</strong>, saving at 99% of the best single \
         model's quality <strong>{}</strong> (blind mixing: {}).</p>",
        verdict.n_prompts,
        verdict.singles.len(),
        escaped(&first.name),
        signed(gain),
        percent(first.figures.savings[1].saved),
        percent(first.figures.savings[1].blind)
    );
    let _ = write!(
        text,
        r#"<div class="charts"><figure><figcaption>Cost and quality</figcaption>{}{}</figure>"#,
        frontier(verdict),
        legend(verdict)
    );
    let _ = write!(
        text,
        "<figure><figcaption>Reliability: {}</figcaption>{}<p class=\"note\">ECE {:.4}; perfect calibration would show {:.4} \
         on as many prompts.</p></figure>",
        escaped(&first.name),
        reliability(first),
        first.figures.ece,
        first.figures.ece_if_perfect
    );
    let _ = write!(
        text,
        "<figure><figcaption>Cost saved at shares of the best single model's quality</figcaption>{}<p class=\"note\">\
         <span class=\"key bar-router\"></span>{} <span class=\"key bar-zero\"></span>blind mixing</p></figure>",
        savings(first),
        escaped(&first.name)
    );
    if let Some(policy) = &verdict.policy {
        let _ = write!(
            text,
            "<figure><figcaption>Who answers under policy {}</figcaption>{}<p class=\"note\">{}</p></figure>",
            escaped(&policy.policy),
            traffic(policy),
            policy_line(policy)
        );
    }
    let _ = write!(text, "</div>{}", methods(verdict));
    if let Some(policy) = &verdict.policy {
        text.push_str(&slices(policy));
    }
    text.push_str("</section>");
    text
}

/// Lines by their colour, models by their number.
fn legend(verdict: &Verdict) -> String {
    let mut text = String::from(r#"<p class="note">"#);
    for (index, method) in verdict.methods.iter().enumerate() {
        let _ = write!(
            text,
            r#"<span class="entry"><span class="key {}"></span>{}</span> "#,
            method_class(verdict, index),
            escaped(&method.name)
        );
    }
    text.push_str(r#"<span class="entry"><span class="key zero"></span>blind mixing</span>"#);
    if let Some(policy) = &verdict.policy {
        let _ = write!(
            text,
            r#" <span class="entry"><span class="key policy"></span>policy {}</span>"#,
            escaped(&policy.policy)
        );
    }
    text.push_str(r#"</p><ol class="models">"#);
    for single in &verdict.singles {
        let _ = write!(
            text,
            "<li>{} <small>{:.3} at ${:.3}</small></li>",
            escaped(&single.name),
            single.point.quality,
            single.point.cost_usd * 1000.0
        );
    }
    text.push_str("</ol>");
    text
}

fn policy_line(policy: &PolicyVerdict) -> String {
    let refused = if policy.n_refused > 0 { format!("; {} refused", policy.n_refused) } else { String::new() };
    format!(
        "Against {}: quality {}, cost saved {} [{}, {}]; regret to the oracle {:.4}; RouterArena score {:.4}{refused}.",
        escaped(&policy.best_single),
        signed(&policy.quality_gain),
        percent(Some(policy.saving.value)),
        percent(Some(policy.saving.low)),
        percent(Some(policy.saving.high)),
        policy.regret,
        policy.arena
    )
}

/// Money first: on a phone only the left columns are seen without scrolling.
const FIGURES: &str = "<th>gain over blind mixing</th><th>save 100%</th><th>99%</th><th>97%</th><th>95%</th><th>AIQ</th>\
                       <th>AUC</th><th>Brier</th><th>ECE</th><th>if perfect</th>";

fn methods(verdict: &Verdict) -> String {
    let ahead = if verdict.has_router { "<th>router ahead by</th>" } else { "" };
    let class = if verdict.has_router { " class=\"first\"" } else { "" };
    let mut text = format!(r#"<div class="wide"><table{class}><tr><th>method</th>{FIGURES}{ahead}</tr>"#);
    for method in &verdict.methods {
        let figures = &method.figures;
        let saved: String =
            figures.savings.iter().map(|saving| format!("<td>{}</td>", percent(saving.saved))).collect();
        let behind = method.behind_router.as_ref().map(signed).unwrap_or_default();
        let behind = if verdict.has_router { format!("<td>{behind}</td>") } else { String::new() };
        let _ = write!(
            text,
            "<tr><td>{}</td><td>{}</td>{saved}<td>{:.4}</td><td>{}</td><td>{:.4}</td><td>{:.4}</td><td>{:.4}</td>{behind}</tr>",
            escaped(&method.name),
            signed(&figures.gain),
            figures.aiq,
            figures.auc.map_or_else(|| "-".to_owned(), |auc| format!("{auc:.4}")),
            figures.brier,
            figures.ece,
            figures.ece_if_perfect
        );
    }
    let blind: String =
        verdict.methods[0].figures.savings.iter().map(|saving| format!("<td>{}</td>", percent(saving.blind))).collect();
    let _ = write!(
        text,
        "<tr><td>blind mixing</td><td>0</td>{blind}<td>{:.4}</td><td></td><td></td><td></td><td></td></tr></table></div>",
        verdict.zero_aiq
    );
    if verdict.n_assumed_bills > 0 {
        let (n, of) = (verdict.n_assumed_bills, verdict.n_of * verdict.singles.len());
        let _ = write!(
            text,
            "<p class=\"note\">{n} of {of} bills rest on a usual length of the answer, as the rows give no count.</p>"
        );
    }
    if let Some(pair) = &verdict.pair {
        let _ = write!(
            text,
            "<p class=\"note\">Between {} and {}: APGR {:.4}, CPT(50%) {}, CPT(80%) {}.</p>",
            escaped(&pair.weak),
            escaped(&pair.strong),
            pair.apgr,
            percent(pair.cpt50),
            percent(pair.cpt80)
        );
    }
    text
}

fn overall(report: &Report) -> String {
    let routed = report.verdicts.iter().any(|verdict| verdict.has_router);
    let class = if routed { " class=\"first\"" } else { "" };
    let mut text = format!(r#"<div class="wide"><table{class}><tr><th>method</th>{FIGURES}</tr>"#);
    let mut starred = false;
    for method in &report.overall {
        let Overall { name, n_pools, auc, brier, ece, ece_if_perfect, aiq, gain, savings } = method;
        let mut saved = String::new();
        for (_, share, n) in savings {
            let star = if n < n_pools { "*" } else { "" };
            starred |= n < n_pools;
            let _ = write!(saved, "<td>{}{star}</td>", percent((*n > 0).then_some(*share)));
        }
        let (value, low, high) = *gain;
        let gain = signed(&crate::curve::Interval { value, low, high });
        let _ = write!(
            text,
            "<tr><td>{}</td><td>{gain}</td>{saved}<td>{aiq:.4}</td><td>{auc:.4}</td><td>{brier:.4}</td><td>{ece:.4}</td>\
             <td>{ece_if_perfect:.4}</td></tr>",
            escaped(name)
        );
    }
    text.push_str("</table></div>");
    if starred {
        text.push_str(r#"<p class="note">* some pool never reaches that quality; the mean is over the others.</p>"#);
    }
    text
}

fn slices(policy: &PolicyVerdict) -> String {
    let mut text = String::from("<details><summary>Slices</summary>");
    for (by, slices) in &policy.slices {
        let _ = write!(
            text,
            "<div class=\"wide\"><table><tr><th>by {by}</th><th>prompts</th><th>quality</th><th>best single's</th>\
             <th>USD per 1,000</th><th>best single's</th></tr>"
        );
        for Slice { name, n, point, best_single } in slices {
            let _ = write!(
                text,
                "<tr><td>{}</td><td>{n}</td><td>{:.4}</td><td>{:.4}</td><td>{:.4}</td><td>{:.4}</td></tr>",
                escaped(name),
                point.quality,
                best_single.quality,
                point.cost_usd * 1000.0,
                best_single.cost_usd * 1000.0
            );
        }
        text.push_str("</table></div>");
    }
    text.push_str("</details>");
    text
}

fn provenance(report: &Report) -> String {
    let from = &report.provenance;
    let mut text = format!(
        "<section><h2>Where this comes from</h2><p>pointsman {}, seed {}, {} bootstrap samples, {} outcome rows",
        from.pointsman, from.seed, from.n_bootstraps, from.n_rows
    );
    if from.n_skipped > 0 {
        let _ = write!(text, ", {} bad rows passed over", from.n_skipped);
    }
    let notes = crate::baselines::NOTES.into_iter().chain(from.notes.iter().map(String::as_str));
    let notes = notes.map(escaped).collect::<Vec<_>>().join("; ");
    let _ = write!(text, ". {notes}.</p><div class=\"wide\"><table><tr><th>file</th><th>what</th><th>sha256</th></tr>");
    for source in &from.sources {
        let (file, role, digest) = (escaped(&source.file), source.role, &source.sha256);
        let _ = write!(text, "<tr><td>{file}</td><td>{role}</td><td><code>{digest}</code></td></tr>");
    }
    let _ = write!(text, "</table></div><pre>{}</pre></section>", escaped(&from.policy));
    text
}
