//! What web pages, mails and files have around a text that somebody copied out of them: tags that open or close, menus, notices of lawyers
//! and antivirus programs, a line on where it is from, and settings between two rules.

use super::gives_text;
use super::pointing::{is_pointed_at, points};
use super::spoken::speaks_by_stem;
use super::words::words_of;
use crate::canon::BLANKS;

/// Words that stay, at least: beside fewer it may be what is asked about.
const MIN_KEPT: usize = 4;

/// Bytes of a line that are looked at: no notice is longer.
const MAX_LINE: usize = 600;

/// Each of these is in notices and hardly elsewhere.
const NOTICES: [&str; 22] = [
    "all rights reserved",
    "antivirus software",
    "before printing this",
    "confidential information",
    "delete it from your system",
    "for the intended recipient",
    "in error, please",
    "intended recipient",
    "intended solely for",
    "may be confidential",
    "notify the sender",
    "registered office",
    "scanned for viruses",
    "scanned by",
    "to unsubscribe",
    "| unsubscribe",
    "unsubscribe |",
    "unsubscribe here",
    "virus-free",
    "we use cookies",
    "you receive this",
    "you are receiving this",
];

/// A notice about who owns a text begins with one of these and a year.
const OWNED: [&str; 3] = ["\u{a9}", "(c)", "copyright"];

/// What between bars or dots is of a menu.
const MENU: [&str; 22] = [
    "about us",
    "accept all",
    "comments",
    "contact",
    "home",
    "imprint",
    "likes",
    "log in",
    "login",
    "menu",
    "privacy policy",
    "products",
    "reject all",
    "reply",
    "report",
    "settings",
    "share",
    "sign in",
    "sign up",
    "skip to main content",
    "terms of service",
    "view in browser",
];

/// Entries of a menu, at least, and words of an entry, at most.
const MIN_ENTRIES: usize = 3;
const MAX_ENTRY: usize = 4;

/// In front of the address that a text is from.
const FROM: [&str; 5] = ["source", "link", "url", "permalink", "retrieved from"];

/// In front of a telephone number, and digits that it has, at least.
const PHONES: [&str; 5] = ["tel", "phone", "mobile", "fax", "telephone"];
const MIN_DIGITS: usize = 6;

/// Tags of pages that say nothing of what they hold.
const TAGS: &str = "article body br div head html main p section span";

/// Where a question speaks of one of these it may be about what a page has around a text, or about words: beginnings of words.
const SPOKEN: [&str; 27] = [
    "address",
    "article",
    "banner",
    "confidential",
    "cookie",
    "copyright",
    "css",
    "disclaimer",
    "e-mail",
    "email",
    "footer",
    "front_matter",
    "html",
    "legal",
    "link",
    "markup",
    "menu",
    "metadata",
    "newsletter",
    "notice",
    "page",
    "phone",
    "site",
    "source",
    "tag",
    "word",
    "yaml",
];

/// Lines of settings between two rules, at most.
const MAX_SETTINGS: usize = 8;

/// A text without what a page has around it; whole where that may be what is asked about.
pub(super) fn without_page(text: &str) -> &str {
    let bare = without_settings(without_menu_in_front(without_tags(text)));
    without_last_line(bare)
}

/// Whether a rest can do without what goes.
fn can_do_without(rest: &str) -> bool {
    words_of(rest).len() >= MIN_KEPT && !speaks_by_stem(rest, &SPOKEN)
}

fn without_last_line(text: &str) -> &str {
    let Some(at) = text.rfind('\n') else { return text };
    let (rest, line) = (&text[..at], &text[at + 1..]);
    let asks = || line.split(BLANKS).any(|word| word.ends_with('?'));
    if line.len() > MAX_LINE || !(is_notice(line) || is_menu(line) || is_origin(line) || is_contact(line)) || asks() {
        return text;
    }
    let words = words_of(rest);
    if !can_do_without(rest) || points(&words) || gives_text(&words) { text } else { rest.trim_end_matches(BLANKS) }
}

fn without_menu_in_front(text: &str) -> &str {
    let Some((line, rest)) = text.split_once('\n') else { return text };
    let forwarded = line.starts_with("---") && line.ends_with("---") && line.contains("forwarded message");
    let goes = line.len() <= MAX_LINE && (is_menu(line) || forwarded) && can_do_without(rest);
    if goes && !is_pointed_at(&words_of(rest)) { rest } else { text }
}

/// Settings as some files begin with: names and values between two rules.
fn without_settings(text: &str) -> &str {
    let Some(inner) = text.strip_prefix("---\n") else { return text };
    let Some((settings, rest)) = inner.split_once("\n---\n") else { return text };
    let is_setting = |line: &str| {
        line.split_once(": ").is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        })
    };
    let settings = settings.lines().count() <= MAX_SETTINGS && settings.lines().all(is_setting);
    if settings && can_do_without(rest) && !is_pointed_at(&words_of(rest)) { rest } else { text }
}

fn is_notice(line: &str) -> bool {
    let owned = OWNED.iter().any(|sign| line.strip_prefix(sign).is_some_and(names_a_year));
    owned || NOTICES.iter().any(|notice| line.contains(notice))
}

/// Whether a year follows within a few signs: "© 2024", "copyright © 2019-2024".
fn names_a_year(text: &str) -> bool {
    let year = text.trim_start_matches([' ', '\u{a9}']);
    let digits = year.bytes().take_while(u8::is_ascii_digit).count();
    digits == 4 && (year.starts_with("19") || year.starts_with("20"))
}

fn is_menu(line: &str) -> bool {
    ["|", "\u{b7}", "\u{2022}"].iter().any(|sign| {
        let entries: Vec<&str> = line.split(sign).map(str::trim).collect();
        let known = |entry: &str| MENU.iter().any(|name| entry == *name || entry.ends_with(name));
        entries.len() >= MIN_ENTRIES
            && entries.iter().all(|entry| !entry.is_empty() && entry.split(' ').count() <= MAX_ENTRY)
            && entries.iter().filter(|entry| known(entry)).count() * 2 >= entries.len()
    })
}

fn is_origin(line: &str) -> bool {
    let address = FROM.iter().find_map(|name| line.strip_prefix(name)?.strip_prefix(": "));
    address.is_some_and(|address| {
        let is_address = ["http://", "https://", "www."].iter().any(|begins| address.starts_with(begins));
        is_address && !address.contains(BLANKS)
    })
}

/// How somebody can be reached, as it stands under a name: a telephone, or a site without a page of it.
fn is_contact(line: &str) -> bool {
    let by_phone = PHONES.iter().any(|name| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ':'])));
    let n_digits = line.bytes().filter(u8::is_ascii_digit).count();
    let is_number = |rest: &str| rest.chars().all(|c| c.is_ascii_digit() || " +-()./".contains(c));
    let number = || line.split_once(['.', ':']).is_some_and(|(_, rest)| is_number(rest));
    by_phone && n_digits >= MIN_DIGITS && number() || line.starts_with("www.") && !line.contains(['/', ' '])
}

/// Without the tags that open in front of a text or close behind it, where it has no others.
fn without_tags(text: &str) -> &str {
    if !text.starts_with('<') && !text.ends_with('>') {
        return text;
    }
    let mut bare = text;
    while let Some(rest) = bare.strip_prefix('<').and_then(|inner| inner.split_once('>')).filter(|(tag, _)| is_tag(tag))
    {
        bare = rest.1.trim_start_matches(BLANKS);
    }
    while let Some(at) = bare.strip_suffix('>').and_then(|inner| inner.rfind('<')) {
        let tag = &bare[at + 1..bare.len() - 1];
        let closes = tag.starts_with('/') || tag.starts_with("br");
        if !closes || !is_tag(tag.trim_start_matches('/')) {
            break;
        }
        bare = bare[..at].trim_end_matches(BLANKS);
    }
    if bare.contains(['<', '>']) || !can_do_without(bare) { text } else { bare }
}

/// Whether this stands between the signs of a tag of [`TAGS`].
fn is_tag(inner: &str) -> bool {
    let name = inner.split([' ', '/']).next().unwrap_or_default();
    !inner.contains('<') && inner.len() <= MAX_LINE && TAGS.split(' ').any(|tag| tag == name)
}

#[cfg(test)]
mod tests {
    //! What pages have around a question goes, and stays where it is what is asked about.

    use crate::canon::canonical;

    const QUESTION: &str = "A train leaves at nine and is an hour late. When does it arrive?";

    #[test]
    fn what_a_page_has_around_a_question_goes() {
        for behind in [
            "You receive this because you signed up for our letters. Unsubscribe | Privacy policy | \u{a9} 2024 Rails Ltd",
            "This message is intended solely for the addressee. If it reached you in error, please tell us and delete it.",
            "\u{a9} 2021-2024 Rails Publishing. All rights reserved.",
            "Copyright 2023 Rails",
            "Rails Ltd. Registered in Wales No. 123. Registered office: 2 Low Street, Cardiff.",
            "Please think of the trees before printing this mail.",
            "This mail has been scanned for viruses. www.rails.example",
            "Source: https://www.rails.example/forum/7?page=2",
            "Kind regards,\nAnn Low\nTel. +44 29 1234567\nwww.rails.example",
            "12 likes \u{b7} 3 comments \u{b7} Share \u{b7} Report",
            "We use cookies to serve you better. Accept all | Reject all | Settings",
        ] {
            assert_eq!(canonical(&format!("{QUESTION}\n\n{behind}")), canonical(QUESTION), "{behind}");
        }
        assert_eq!(canonical(&format!("{QUESTION}</p></div></body></html>")), canonical(QUESTION));
        for before in [
            "<html><body><div class=\"msg\"><p>",
            "Skip to main content | Home | Products | Log in\n\n",
            "---\nuser: anna\nlang: en\nts: 1730817127\n---\n",
        ] {
            assert_eq!(canonical(&format!("{before}{QUESTION}")), canonical(QUESTION), "{before}");
        }
    }

    #[test]
    fn what_is_asked_about_stays() {
        for text in [
            "Is this disclaimer binding on a reader in Wales?\nThis message is intended solely for the addressee.",
            "Translate into Welsh:\nAll rights reserved. No part may be copied.",
            "What does this line at the end of a book mean?\n\u{a9} 2024 Rails Publishing",
            "Which of these tags closes a paragraph in HTML?\n</p></div>",
            "Which of them is a verb?\nhome | table | run",
            "Fix the markup so that it is valid.\n<div><p>Hello</div>",
            "---\ntitle: a\ndate: b\n---\nIs this front matter valid for a static site?",
            "Who wrote the text behind this link?\nSource: https://www.rails.example/7",
            "Pick the longest of the three words.\nhome | contact | imprint",
            "Whose phone number is this?\nTel. +44 29 1234567",
            "Which company owns the site below?\nwww.rails.example",
            "\u{a9} 2024",
        ] {
            let kept = canonical(text);
            let last = text.lines().last().unwrap().to_lowercase();
            let first = text.lines().next().unwrap().to_lowercase();
            assert!(kept.starts_with(&first) && kept.ends_with(&last), "{text}: {kept}");
        }
    }

    #[test]
    fn any_characters_may_stand_at_the_ends() {
        for text in [
            "<",
            ">",
            "<>",
            "</",
            "<p",
            "</p>",
            "|\n|",
            "---\n---\n",
            "\u{a9}",
            "é\n\u{a9} 20é",
            "source: \n",
            "\n\u{b7}",
        ] {
            let text = format!("{text}\né é é é é\n{text}");
            assert_eq!(canonical(&canonical(&text)), canonical(&text));
        }
    }
}
