//! What goes and what stays.

use super::without_frames;
use crate::courtesy::tests::{QUESTION, leaves};

#[track_caller]
fn goes(text: &str, expected: &str) {
    leaves(without_frames, text, expected);
}

#[track_caller]
fn stays(text: &str) {
    goes(text, text);
}

#[test]
fn what_a_template_leaves_behind_goes() {
    for frame in [
        "\nA:",
        "\nFinal answer:",
        "\nOutput:",
        " Input:",
        " prompt =",
        "\n### Response:",
        " 1.",
        " 2)",
        " -",
        " *",
        "\n\u{2022}",
        " \"",
        " \u{201d}",
        "\n\"\"\"",
        "\n```",
        "\n```text",
        " \"}",
        " <|eot_id|>",
        " <|im_end|><|im_start|>assistant",
        " <|start_header_id|>user<|end_header_id|>",
        " [/INST]",
        " </s>",
    ] {
        // The marks take the sign of a heading.
        let frame = frame.replace("### ", "");
        goes(&format!("{QUESTION}{frame}"), QUESTION);
    }
}

#[test]
fn what_a_template_puts_in_front_goes() {
    for frame in [
        "Q: ",
        "Q. ",
        "question - ",
        "prompt = ",
        "User: ",
        "User query: ",
        "Message from user: ",
        "TL;DR: ",
        "Speaker 1: ",
        "Input:\n",
        "1. ",
        "1) ",
        "- ",
        "\u{2022} ",
        "\" ",
        "\u{201c} ",
        "```\n",
        "\"\"\"\n",
        "<|im_start|>user\n",
        "<s> [INST] ",
    ] {
        goes(&format!("{frame}{QUESTION}"), QUESTION);
    }
    goes(&format!("Q: {QUESTION}\nA:"), QUESTION);
    goes(&format!("```\n\" {QUESTION}\n<|eot_id|>"), QUESTION);
}

#[test]
fn behind_answers_to_choose_from_a_frame_needs_no_sign_before_it() {
    let choice = "Which of these is the largest of the four?\nA. a cat\nB. a dog\nC. a cow\nD. a whale";
    for frame in [" 1.", " \"", " *", "\nA:", "\nAnswer:\nA:", " <|eot_id|>"] {
        goes(&format!("{choice}{frame}"), choice.trim_end_matches("\nAnswer:"));
    }
    stays("Which of these is true of x, if x is positive?\nA. x is less than 1.\nB. x is 1.\nC. x is greater than 1.");
    stays("Which of these is it, after three rounds of this?\nA. 374 (1 / 3)\nB. 12 (1 / 2)\nC. 374 (2 / 3)");
}

#[test]
fn a_list_a_dialogue_and_pairs_stay() {
    for text in [
        "1. Paris is the capital of France\n2. Rome is that of Italy\nWhich is older?",
        "1. name the capital of Spain 2. name that of Portugal, please, both",
        "Continue this list of the days:\n1. Monday\n2. Tuesday\n3.",
        "* milk and butter\n* eggs and flour\nRewrite this list with numbers",
        "Input: 3 4 and 5 6\nOutput: 7 and 11\nInput: 5 6 and 7 8\nOutput:",
        "Q: what comes after 2, 4, 8?\nA: 16\nQ: what comes after 3, 9, 27?\nA:",
        "User: is this a noun or a verb in the sentence above?",
        "A: 3 apples, B: 4 pears. What is the ratio of A to B?",
        "Prompt: is this word spelled with one p or two?",
    ] {
        stays(text);
    }
}

#[test]
fn what_is_asked_about_stays() {
    for text in [
        "Name the delimiter that ends a string in Python. \"\"\"",
        "What does a model do with this token: <|endoftext|>",
        "<|im_start|> belongs to which chat template of these two?",
        "In Markdown, what does a line begin with in a list? -",
        "Round this number to the next one, which is 1.",
        "Compute what is left of these five apples: 5 -",
        "Who said, and where did he say it, \"I think, therefore I am\"",
        "Solve x:",
        "* in front of a pointer variable in C does what exactly?",
        "1) or a) is what the points of this law begin with?",
        "Which of the rules is meant there (the one on page two. 3)",
        "What is wrong with this object, and why? {\"a\": \"Who is it? \"}",
        "1. Add 2 and 3",
        "write the next line of this function, which adds:\n```",
        "Which of these is valid JSON and why? {\"a\": \"b\"}",
        "",
        "1.",
        "\"",
        "```",
        "<|x|>",
    ] {
        stays(text);
    }
}
