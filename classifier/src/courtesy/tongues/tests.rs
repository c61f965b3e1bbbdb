//! What goes and what stays.

use super::without_tongues;
use crate::canon::folded;
use crate::courtesy::tests::{QUESTION, leaves};

#[track_caller]
fn stays(text: &str) {
    leaves(without_tongues, text, text);
}

#[test]
fn courtesies_of_other_languages_go() {
    for courtesy in [
        "Hola, ¿cómo está?",
        "muchas gracias de antemano",
        "¡Buenos días! Espero que todo vaya bien.",
        "Merci d'avance pour votre aide",
        "c'est assez urgent, s'il vous plaît",
        "Vielen Dank im Voraus!",
        "Guten Morgen, ich hoffe, es geht Ihnen gut.",
        "obrigado desde já",
        "Grazie mille e buona giornata",
        "alvast bedankt voor je hulp",
        "z góry dzięki za pomoc",
        "tack så mycket på förhand",
        "çok teşekkürler",
        "terima kasih banyak",
        "Привет! Как дела?",
        "Заранее спасибо!",
        "你好，今天过得怎么样？",
        "谢谢你！",
        "よろしくお願いします。",
        "감사합니다!",
        "مرحبا، كيف حالك اليوم؟",
        "תודה רבה",
        "नमस्ते, आप कैसे हैं?",
        "Ευχαριστώ πολύ!",
    ] {
        let rest = folded(QUESTION);
        if courtesy != "¡Buenos días! Espero que todo vaya bien." {
            assert_eq!(without_tongues(&folded(&format!("{QUESTION} {courtesy}"))), rest, "{courtesy} behind");
        }
        let in_front = folded(&format!("{courtesy}\n{QUESTION}"));
        assert!(without_tongues(&in_front).len() < in_front.len(), "{courtesy} in front");
    }
}

#[test]
fn behind_answers_to_choose_from_they_go_too() {
    let choice = folded("Which of these is the largest of the four?\nA. a cat\nB. a dog\nC. a cow\nD. a whale");
    for courtesy in ["muchas gracias", "¡Hola! ¿qué tal?", "danke schön", "спасибо большое!", "谢谢"]
    {
        assert_eq!(without_tongues(&folded(&format!("{choice} {courtesy}"))), choice, "{courtesy}");
    }
}

#[test]
fn what_is_asked_about_stays() {
    for text in [
        "What is the meaning of the German word for thanks? Danke",
        "Which of the two is more formal, privet or hola?",
        "How do you say this in French, and which is the shortest: merci beaucoup",
        "Danke, danke schön, danke sehr: which is the strongest of the three?",
        "Salut, coucou, bonjour : classe du plus familier au plus formel",
        "Was heißt auf Spanisch: Vielen Dank im Voraus",
        "Hola amigo is what the sign at the door of the shop has on it.",
        "Translate this to English for me, if you can: muchas gracias de antemano",
        "Which is the answer that the waiter gives to the guest: спасибо",
        "Is it das or die in the sentence of the text?",
        "What is the capital of the country whose anthem begins with la",
        "Привет! Сколько будет 2+2?",
        "谢谢",
        "gracias",
        "",
    ] {
        stays(text);
    }
}

#[test]
fn a_question_in_another_script_is_no_courtesy() {
    stays("What is the area of a square whose side is 3? Сколько это будет, если сторона 5?");
    stays("What is the area of a square whose side is 3? 面积是多少？");
}
