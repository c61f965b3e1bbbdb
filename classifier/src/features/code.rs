//! What code says of itself: how long its literals are, how deep its brackets go, what it calls. A model that is to tell what code
//! does follows all of them, and fails at long strings first.

use super::shape::View;
use super::{count, log};

/// How many numbers [`push`] adds.
pub(super) const COUNT: usize = 16;

/// Brackets deeper than this are as deep as any.
const DEEPEST: usize = 12;

pub(super) fn push(view: &View<'_>, values: &mut Vec<f32>) {
    push_strings(view, values);
    push_brackets(view, values);
    push_calls(view, values);
    push_operators(view, values);
}

/// Strings between quotation marks of a line: the longest, all of them, and how many.
fn push_strings(view: &View<'_>, values: &mut Vec<f32>) {
    let (mut longest, mut all, mut n) = (0, 0, 0);
    for line in &view.lines {
        let mut rest = *line;
        while let Some(from) = rest.find(['\'', '"']) {
            let sign = rest.as_bytes()[from];
            let Some(to) = rest.bytes().skip(from + 1).position(|byte| byte == sign) else { break };
            longest = longest.max(to);
            all += to;
            n += 1;
            rest = &rest[from + to + 2..];
        }
    }
    values.extend([log(count(longest)), log(count(all)), log(count(n))]);
}

/// Brackets within a line: how deep they go, how long what one of them encloses is, and how many commas stand in it.
fn push_brackets(view: &View<'_>, values: &mut Vec<f32>) {
    let (mut deepest, mut longest, mut most) = (0, 0, 0);
    for line in &view.lines {
        // Where each open bracket began, and the commas in it.
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (at, byte) in line.bytes().enumerate() {
            match byte {
                b'(' | b'[' | b'{' => open.push((at, 0)),
                b')' | b']' | b'}' => {
                    if let Some((from, commas)) = open.pop() {
                        longest = longest.max(at - from);
                        most = most.max(commas);
                    }
                }
                b',' => {
                    if let Some((_, commas)) = open.last_mut() {
                        *commas += 1;
                    }
                }
                _ => {}
            }
            deepest = deepest.max(open.len());
        }
    }
    values.extend([count(deepest.min(DEEPEST)), log(count(longest)), log(count(most))]);
}

/// What is called, how often a method, and how long the last line is that calls something.
fn push_calls(view: &View<'_>, values: &mut Vec<f32>) {
    let (mut calls, mut methods, mut indexed, mut slices, mut last) = (0, 0, 0, 0, 0);
    for line in &view.lines {
        let bytes = line.as_bytes();
        // Brackets that neither a colon nor the end of one has followed so far.
        let mut open = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let named = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
            match byte {
                b'(' => {
                    last = line.len();
                    calls += usize::from(named);
                    methods += usize::from(named && is_method(&bytes[..at]));
                }
                b'[' => {
                    indexed += usize::from(named);
                    open += 1;
                }
                b':' => slices += std::mem::take(&mut open),
                b']' => open = 0,
                _ => {}
            }
        }
    }
    values.extend([calls, methods, indexed, slices, last].map(|n| log(count(n))));
}

/// Whether a point stands before the last name.
fn is_method(before: &[u8]) -> bool {
    let name = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    before[..before.len() - name].last() == Some(&b'.')
}

/// Signs of assignments, comparisons and literals.
fn push_operators(view: &View<'_>, values: &mut Vec<f32>) {
    let (mut assigned, mut changed, mut compared) = (0, 0, 0);
    for pair in view.text.as_bytes().windows(3) {
        if pair[1] != b'=' || pair[2] == b'=' {
            continue;
        }
        match pair[0] {
            b'=' | b'!' | b'<' | b'>' => compared += 1,
            b'+' | b'-' | b'*' | b'/' | b'%' => changed += 1,
            _ => assigned += 1,
        }
    }
    let n = |sign: u8| count(view.text.bytes().filter(|byte| *byte == sign).count());
    values.extend([log(count(assigned)), log(count(changed)), log(count(compared)), log(n(b'{')), log(n(b'['))]);
}

#[cfg(test)]
mod tests;
