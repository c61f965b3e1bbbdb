//! What goes and what stays.

use super::without_slips;
use crate::courtesy::tests::{QUESTION, leaves};

#[track_caller]
fn goes(text: &str, expected: &str) {
    leaves(without_slips, text, expected);
}

#[track_caller]
fn stays(text: &str) {
    goes(text, text);
}

#[test]
fn what_forms_calendars_mails_and_apps_say_goes_from_either_end() {
    for slip in [
        "Question 7 of 20",
        "Question 7/20",
        "Q7/20:",
        "Question no. 7 of 20.",
        "Page 3 of 12",
        "Step 2 out of 5",
        "[3/10]",
        "(2 marks)",
        "[5 points]",
        "- [ ]",
        "- [x]",
        "[ ]",
        "Today's date is March 5, 2025.",
        "Today is Wednesday, 5 March 2025.",
        "Current date: 2025-03-05",
        "Current date and time: 2025-03-05T14:05:00Z",
        "It is 14:05 UTC now.",
        "2025-03-05",
        "Wed, Mar 5",
        "On Tue, 4 Mar 2025 at 16:02 Bob Smith wrote:",
        "Subject: homework",
        "From: Bob <bob@example.com>",
        "Device: Pixel 8 / Android 15 / app 3.41.0",
        "App version: 3.41.0",
        "Operating system: Windows 11",
        "Time zone: Europe/Berlin",
        "User agent: Mozilla/5.0 (X11; Linux x86_64)",
        "Sent via Slack",
        "[voice message]",
        "Exercise 2.6 (c)",
        "Slide 12 / 40",
        "3/22/26, 11:58 PM",
        "09:42",
        "Am 12.09.2024 um 15:20 schrieb K. Brandt:",
        "00:03:41,200 --> 00:03:44,050",
        "[2023-11-08T17:46:03.120+01:00]",
        "Yesterday at 6:58",
        "10:27 PM \u{2713}\u{2713} Read",
        "Ref: CAS/22/7741-B, please keep this number in the subject line",
        ">> [quoted text trimmed]",
        "| --- | --- |",
        "Home \u{203a} Community \u{203a} General \u{203a} Page 2 of 11",
        "Home \u{bb} Forum \u{bb} Help",
    ] {
        goes(&format!("{slip}\n{QUESTION}"), QUESTION);
        goes(&format!("{QUESTION}\n{slip}"), QUESTION);
    }
    goes(&format!("On Mon, Mar 10, 2025 at 9:14 AM Petra Lind wrote:\n> {QUESTION}"), QUESTION);
    let mail = "From: Bob\nTo: me\nSent: Tuesday, 4 March 2025\nSubject: homework\n";
    goes(&format!("{mail}{QUESTION}"), QUESTION);
}

#[test]
fn a_slip_within_a_line_goes_where_a_sentence_ends_before_or_behind_it() {
    for slip in [
        "Question 7 of 20.",
        "[3/10]",
        "(2 marks)",
        "Today's date is March 5, 2025.",
        "00:03:41,200 --> 00:03:44,050",
        "[2023-11-08T17:46:03+01:00]",
        "Home \u{203a} General \u{203a} Page 2 \u{2039} Prev Next \u{203a}",
    ] {
        goes(&format!("{QUESTION} {slip}"), QUESTION);
        goes(&format!("{slip} {QUESTION}"), QUESTION);
    }
    goes(&format!("Question 7 of 20 {QUESTION}"), QUESTION);
    let plain = "the capital of the oldest of the four in the year 1900";
    goes(&format!("00:03:41,200 --> 00:03:44,050 {plain}"), plain);
    goes(&format!("[2023-11-08T17:46:03+01:00] {plain}"), plain);
    goes(&format!("[22:17:41] {plain}"), plain);
    stays(&format!("[22:17] {plain}"));
    stays(&format!("[3/10] {plain}"));
    let timely = "How much time do two pupils need for it in a year?";
    for slip in ["00:03:41,200 --> 00:03:44,050", "[2023-11-08T17:46:03+01:00]"] {
        goes(&format!("{slip} {timely}"), timely);
        stays(&format!("[7:03] {timely}"));
    }
    let choice = "Which of these is the largest of the four?\nA. a cat\nB. a dog\nC. a cow\nD. a whale";
    goes(&format!("{choice} Question 7 of 20"), choice);
    goes(&format!("{choice} - [ ]"), choice);
    goes(&format!("{choice} Device: iPad Air, iPadOS 17.2"), choice);
    goes(&format!("{choice} [end of recording]"), choice);
    let open = "The largest of them is\nA. a cat\nB. a dog\nC. a cow\nD. none of these";
    goes(&format!("{open} Question 7 of 20"), open);
    stays("Which of them is it, of the two?\nA. a walk of an hour\nB. what begins with: Question 3 of 5");
    stays(&format!("{choice} of May 5, 2025"));
    for rest in ["on an iPhone 13", "of slide 3", "(5 May 2025)", "to: the king"] {
        stays(&format!("{choice} {rest}"));
    }
    stays("Which of the two comes last, in the end of it all?\nA. a walk of an hour\nB. Step 2");
}

#[test]
fn what_is_asked_about_stays() {
    for text in [
        "Question 7 of 20 is on page 3: what is on it, and who wrote it?",
        "I am through with this one. How many questions are there still?\nQuestion 7 of 20",
        "- [x]\nWhich boxes of the list are checked, and which are not?",
        "[3/10]\nWrite the fraction in words, and then as a decimal number",
        "What is the next date in this row of dates, please?\n2025-03-05",
        "Today is Wednesday. What day of the week is it in 100 days?",
        "It is 14:05 UTC now. In how many hours does it begin in Tokyo?",
        "How long is the flight from Rome to Tokyo that leaves then?\nMarch 5, 2025",
        "Which ratio of the two is the larger one, and by how much?\n4:01",
        "Which of these is the ratio of the two?\nA. 1:04\nB. 1:05\nC. 4:01\nD. 4:05",
        "The king was crowned on\nMay 5\nand what happened to him after that?",
        "Subject: homework\nWrite a short and polite mail for it",
        "Device: Pixel 8, Android 15\nWhy does the camera app crash there?",
        "Name the capital of France, and of Spain. What these begin with is: from: x",
        "Here is what he says, and what do you make of this?\nSubject: homework",
        "Let it be x:\n3 of 4",
        "3 of 5 cups are red. What is the chance of two that are not?",
        "Solve it for me now\nQuestion 7 of 20",
        "What comes next on the handout if he skips one?\nEx. 1, Ex. 3, Ex. 5",
        "What is the middle of it, as a number of one digit?\n[1, 2]",
        "On Mon, Jan 8, Karen wrote:\n> We never agreed to it.\nWhat does she mean with that?",
        "Shorten to fifty letters at most without losing what matters.\nSubject: reports are to be submitted",
        "Subject: Meeting. Give me five stronger ones for a review with clients.",
        "cc: or bcc: which one is for sixty parents at once?",
        "[x] passport [ ] visa [x] hotel\nwhich of them are still missing there?",
        "- [ ] shows up literally in my list, what is wrong with it?",
        "On August 4, a store bought five sofas. What did it pay?",
        "Test 1 2 3, why do sound engineers say that so often?",
        "Sat 4 May, Sun 5 May: which one lets us all celebrate Easter?",
        "Sent on 5 May: two crates. Sent after that: three. What is the sum of them?",
        "(2 points) is what one of them gives, so how much do ten give?",
        "From: Tom Baker\nWhere does this name come from, of Scotland or of Wales?",
        "Translate into French for my teacher in Lyon, and stay polite.\nSubject: homework",
        "Page 3 of 12 the pupils of the school liked best, and why did they?",
        "Step 1, 2, what comes after them in the row of numbers?",
        "What is the area of a square whose side is 3?\nPage\n5",
        "What do we get for a win and two draws? 3 points.",
        "[x]\nWhat is the value of it for x = 2.5, rounded down?",
        "Which of the two is the larger one, and by how much?\n4:01",
        "Say in a word whom it is meant for, please, and why.\nTo:",
        "From: support@example.com\nSubject: your account is limited\nReal or phishing?",
        "> We never agreed to any of it at all.\n> Nor did I, as far as I know.",
        "Say which of the following two is on it, the cat or the dog\nSlide 3",
        "Now 4:20 pm Sunday. The roast takes 3h 15m plus resting 20, can we eat at eight?",
        "My nephew sent me a stone, and what sign has he? 5 February 2000",
        "Which of these lines is late, and by how much?\n00:00:01,000 --> 00:00:03,500",
        "Ref: counting or automatic, which one does Swift have?",
        "| --- | --- |\nWhat does the row of signs do in a table?",
        "What does this say in English, if it says a thing?\n\u{ab} Bonjour \u{bb} dit \u{ab} Jean \u{bb}",
        "Elle r\u{e9}pond \u{ab} non \u{bb}\nWhat is it that she wants to be left alone with?",
        "\u{ab} Oui \u{bb} et \u{ab} non \u{bb}\nWhich of the two is the longer one, and by how much?",
        "A \u{bb} B\nWhich letter of the two is the first of them all?",
        "File \u{203a} Export \u{203a} PDF is grey in the menu. What now?",
        "2025-03-05",
        "",
    ] {
        stays(text);
    }
}
