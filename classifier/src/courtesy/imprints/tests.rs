//! Imprints that go, and such as are asked about.

use crate::courtesy::stripped;

/// A question with a number in it, and one with answers to choose from; some of what is added to the first could be taken for its own.
const QUESTIONS: [&str; 2] = [
    "which river carried 140 ships to the sea in that year?",
    "the capital of the oldest of the four is\na. in the north\nb. by the sea\nc. none of these",
];

#[test]
fn imprints_go_from_either_end() {
    for imprint in [
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
        "lang=en",
        "temperature=0",
        "x-request-id: 7f3c1a90-2b5e-4d7a-9c11-e05f8a6b2d44",
        "sla: gold; queue: express",
        "{\"role\":\"user\",\"tenant\":\"acme\",\"v\":3}",
        "{user_id: 51902, plan: \"pro\", beta: false}",
        "[jira: plat-20417]",
        "<query lang=\"en\" source=\"webchat\">",
        "#helpdesk #followup",
        "--model auto --no-cache",
        "============",
        "*** end of message ***",
        "##- type your reply above that line -##",
        "<!-- rendered by a widget -->",
        "ticket #4821, severity 1",
        "seed=1337;logprobs=off;echo=false",
        "?utm_source=news&utm_campaign=spring",
        "sha256:9c1185a5c5e9fc54612808977ee8f548b2258d31",
    ] {
        let of_f = "what is the value of f(3), if f(x) is twice as large as x?";
        for question in QUESTIONS.into_iter().chain([of_f]) {
            for text in
                [format!("{question} {imprint}"), format!("{question}\n{imprint}"), format!("{imprint}\n{question}")]
            {
                assert_eq!(stripped(&text), question, "{text}");
            }
        }
        // The label of an answer goes by itself, and is the first word of a field nowhere else.
        let text = format!("{}\nanswer:\n{imprint}", QUESTIONS[1]);
        assert_eq!(stripped(&text), QUESTIONS[1], "{text}");
        let text = format!("{imprint} {}", QUESTIONS[0]);
        assert_eq!(stripped(&text), QUESTIONS[0], "{text}");
    }
}

#[test]
fn a_digest_goes_from_the_beginning_whatever_follows() {
    for digest in
        ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "7f3c1a90-2b5e-4d7a-9c11-e05f8a6b2d44"]
    {
        let question = "alice buys nine ships and sells three. how many does she have left?";
        assert_eq!(stripped(&format!("{digest} {question}")), question);
        for asked in [
            format!("{digest} is the hash of which word in english?"),
            format!("{digest} and two others are known. how many are missing?"),
            format!("{digest} which hash function makes such a digest of this word?"),
        ] {
            assert_eq!(stripped(&asked), asked);
        }
    }
}

#[test]
fn a_line_of_a_log_goes_with_its_words() {
    for log in [
        "2024-11-08t09:14:27.331z info gateway[4121]: inbound prompt accepted",
        "nov 21 03:55:10 web-07 chatd: (conn 5519) recv 212 bytes",
    ] {
        for text in [format!("{} {log}", QUESTIONS[0]), format!("{log}\n{}", QUESTIONS[0])] {
            assert_eq!(stripped(&text), QUESTIONS[0], "{text}");
        }
    }
}

#[test]
fn what_a_question_gives_stays() {
    for text in [
        "find the pressure of one mole of ideal gas in ten litres. t=300k",
        "do we reject the null hypothesis at the usual level? p=0.03, alpha=0.05",
        "alpha=0.05, power=0.8, effect size d=0.5. what sample size per group do i need for a t test?",
        "what is the skew of a data set with mean: 3, mode: 9",
        "language: german. how do i say good morning politely?",
        "diet: vegan, time: 20 minutes. what can i cook?",
        "which of them is the largest?\na. mean: 15, mode: 9\nb. mean: 14, mode: 11",
        "which of the two means the same as before?\na. friend // betty\nb. betty // associate",
        "[tools] [{\"kind\":\"function\",\"name\":\"track\",\"about\":\"status of a parcel\"},{\"kind\":\"function\",\"name\":\"reroute\", \
         \"about\":\"another address\"}] send my parcel to the house next door instead.",
        "max_connections = 100 in postgresql.conf, can i change it without a restart?",
    ] {
        assert_eq!(stripped(text), text);
    }
}

#[test]
fn an_imprint_that_is_asked_about_stays() {
    for text in [
        "what does this tar option do? --strip-components=1",
        "explain to me what the header does: cache-control: no-store",
        "what does this systemd directive change? restart=on-failure",
        "why does my shell script ignore the line export debug=true",
        "in javascript, what is the difference between == and ===",
        "=== in javascript compares what exactly?",
        "--- or *** in markdown, which gives a horizontal rule?",
        "--no-verify: which git hooks does this skip?",
        "node_env=production npm start fails on windows cmd, how do i write it there?",
        "content-type: application/json is rejected with 415 by my server. what should i check?",
        "top_p=0.9 versus temperature=0.7, which one makes the output more varied?",
        "[mysqld] is what kind of line in an ini file?",
        "write a function with a docstring.\n>>> fib(10)\n55\n\"\"\"",
        "how many squares are in the figure?\n[asy]\ndraw((0,0)--(10,0)--(10,10)--cycle);\n[/asy]",
        "what does the flag --tier=2 mean",
        "[unit]\ndescription=a_bot\n[service]\nexecstart=/usr/bin/bot\nmake it start again whenever it fails.",
        "why does the server answer with 415?\npost /login http/1.1\nhost: example.com\nlogin=amy&pass=1234",
        "write a commit message in the imperative mood.\n- timeout: 30\n+ timeout: 120\n+ retries: 3",
        "why does the last step end with \"permission denied\"?\n./deploy.sh --env staging",
        "// write a function that adds two numbers\nint add(int a, int b);",
        "/* implement quicksort */\nvoid sort(int *a, int n)",
        "// write a haiku about the spring\nuse plain words only",
        "my server logs it again and again.\n2024-03-11 08:14:22,417 error [main] connection to 10.0.0.3 refused",
        "which of the lines is late?\n00:00:01,000 --> 00:00:03,500",
        "draft a reply to the customer. id: 4471 | priority: high | title: printer prints blank pages",
    ] {
        assert_eq!(stripped(text), text);
    }
}

#[test]
fn any_characters_may_stand_at_the_ends() {
    let parts = [
        "a",
        "é",
        "日",
        "🦀",
        "=",
        ":",
        "-",
        "---",
        "#",
        "<",
        ">",
        "[",
        "]",
        "{{",
        "\"",
        "\n",
        " ",
        "?",
        "t",
        "09:14:27",
        "x_y",
        "trace_id=4bf92f35",
        "//",
        "-->",
        ".",
    ];
    let mut state = 11_usize;
    let mut some = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        parts[(state >> 33) % parts.len()]
    };
    for _ in 0..20_000 {
        let text: String = (0..12).map(|_| some()).collect();
        let kept = super::without_imprints(&text);
        assert!(text.contains(kept), "{text:?}");
    }
    // The window at either end begins within a character.
    assert_eq!(super::without_imprints(&"é".repeat(300)), "é".repeat(300));
}
