//! The words that courtesies of other languages are made of.

use std::collections::HashMap;
use std::sync::LazyLock;

/// A language: words that say a courtesy, and words that may stand beside them.
struct Tongue {
    courtesies: &'static str,
    companions: &'static str,
}

const TONGUES: [Tongue; 11] = [
    // Spanish.
    Tongue {
        courtesies: "hola gracias saludo saludos porfa porfavor favor perdona perdón perdone disculpa disculpe buenas buenos \
            urgente ayúdame ayúdenme ayuda agradecería agradezco difícil fácil adiós prisa",
        companions: "muchas mil de antemano por tu su paciencia un una día días tardes noches buen que tengas tenga te lo la me \
            mucho bastante muy es está esta este qué tal estás usted hoy no entiendo nada espero como cómo va todo bien con mis \
            cosas otra vez moleste molesto a ver si resulta llevo toda tarde uf esto y en el se para poco algo creo parece \
            puedas puede tengo amigo pronto hasta luego",
    },
    // French.
    Tongue {
        courtesies: "bonjour bonsoir salut coucou merci plaît plait désolé désolée pardon stp svp urgent difficile facile déranger \
            cordialement aide excusez excuse",
        companions: "s'il s’il te vous d'avance d’avance pour ton votre beaucoup de encore une fois petite question j'ai j’ai toi \
            j'espère j’espère que allez vas bien bonne bon soirée journée celle-ci est un peu prends temps c'est c’est assez très \
            trop moi je galère depuis ce matin ça fait longtemps va comment tout le monde mille à plus tard bientôt mon ami les \
            mal moi-même vraiment",
    },
    // German.
    Tongue {
        courtesies: "hallo danke dank bitte entschuldige entschuldigung grüße grüßen gruß moin hilf hilfe eilt dringend schwierig \
            einfach servus tschüss schönes störung guten",
        companions: "vielen schon mal im voraus liebe viele dir ihnen tag morgen abend zusammen ich hoffe es geht euch gut die \
            hätte da eine kurze frage mir bin ganz verzweifelt ist wahrscheinlich aber komme nicht drauf wochenende noch na \
            wie läufts so leider ein bisschen sorry sehr das mit freundlichen freundlichem wäre nett schön zu für ihre deine",
    },
    // Portuguese.
    Tongue {
        courtesies: "olá oi obrigado obrigada desculpa desculpe favor difícil fácil urgente urgência valeu ajuda abraço boa bom",
        companions: "tudo bem com você desde já muito muita por me to desesperado kkkk dia tarde noite espero que esteja ótimo aí \
            essa esta é hein incomodar a esta hora mesmo demais até próxima preciso disto alguma se for possível um uma você pela",
    },
    // Italian.
    Tongue {
        courtesies: "ciao grazie buongiorno buonasera buona scusa scusi prego favore difficile facile urgente aiutami aiuto saluti",
        companions: "mille in anticipo ancora e giornata serata come va oggi il disturbo so che chiedo sempre tanto ti tu è una \
            cosa credo non ridere avrei bisogno di un piccolo per molto tutto bene cordiali",
    },
    // Dutch.
    Tongue {
        courtesies: "hoi hallo bedankt dank alsjeblieft alstublieft groetjes groeten groet haast moeilijk makkie makkelijk \
            goedemorgen goedemiddag",
        companions: "alvast voor je hulp alles goed daar sorry dat ik weer lastigval het heeft een beetje als kan dit is vast jou \
            fijne dag nog met vriendelijke u wel",
    },
    // Polish.
    Tongue {
        courtesies: "cześć dzięki dziękuję proszę przepraszam pozdrawiam pozdrowienia trudne łatwe pilne błagam witam pomóż dobry",
        companions: "z góry za pomoc bardzo i mam nadzieję że wszystko u ciebie dobrze zawracam głowę to chyba dość nie spiesz się \
            dzień bo już siły",
    },
    // Swedish, Danish and Norwegian.
    Tongue {
        courtesies: "hej hejsan tack takk tak snälla förlåt undskyld unnskyld bråttom hjälp vänligen mvh svårt lätt",
        companions: "så mycket på förhand hoppas du mår bra idag att jag stör igen det är lite mig ha en fin kväll för hjälpen dag \
            mange for hjelpen hjælpen god",
    },
    // Turkish.
    Tongue {
        courtesies: "merhaba selam teşekkürler teşekkür lütfen kolay gelsin sağol kusura acil iyi",
        companions: "nasılsın bugün şimdiden çok ederim rahatsız ettiğim için bakma yardım et gerçekten çalışmalar günler",
    },
    // Vietnamese.
    Tongue { courtesies: "chào ơn", companions: "bạn cảm cám trước nhé xin nhiều giúp" },
    // Indonesian.
    Tongue {
        courtesies: "halo maaf terima tolong selamat permisi",
        companions: "kak ganggu lagi ya kasih pagi siang malam banyak sebelumnya",
    },
];

/// Words of these lists that are of other sentences, too: English ones, or of a name.
const DOUBTFUL: &str = "a as com de dag die do e en et fin for god good ha hein i il in is it la les lo mal me no non on per se so sorry \
tag tak te ton to u un va wel y z za aide excuse question favor pardon urgent mesmo plus";

/// Parts of thanks, greetings and pleas in other scripts.
pub(super) const STEMS: [&str; 71] = [
    // Chinese.
    "谢",
    "謝",
    "感激",
    "你好",
    "您好",
    "拜托",
    "拜託",
    "请帮",
    "不好意思",
    "辛苦",
    "祝你",
    "祝您",
    "慢慢来",
    "慢慢來",
    "很急",
    // Japanese.
    "ありがと",
    "お願い",
    "願いします",
    "こんにち",
    "こんばん",
    "おはよう",
    "すみません",
    "お世話",
    "助かります",
    "よろしく",
    "質問させて",
    // Korean.
    "감사",
    "고마",
    "안녕",
    "부탁",
    "죄송",
    "천천히",
    "어려울",
    // Russian and Ukrainian.
    "спасибо",
    "привет",
    "здравст",
    "пожалуйст",
    "извин",
    "простит",
    "срочн",
    "помоги",
    "добрый день",
    "доброе утро",
    "добрый вечер",
    "хорошего дня",
    "хорошего вечера",
    "запутался",
    "дякую",
    "вибач",
    "гарного дня",
    "добрий день",
    "сподіваюс",
    // Arabic.
    "شكر",
    "مرحب",
    "آسف",
    "من فضلك",
    "السلام عليكم",
    // Hebrew.
    "תודה",
    "שלום",
    "בבקשה",
    "סליחה",
    "יום נעים",
    // Hindi.
    "धन्य",
    "नमस्त",
    "कृप",
    "शुक्रिया",
    // Greek.
    "ευχαρ",
    "γεια",
    "παρακαλ",
    "καλημ",
    "συγγνώμη",
];

/// Parts of the question how somebody is, and of a day, in other scripts.
pub(super) const HOW_ARE_YOU: [&str; 12] = [
    "过得怎么样",
    "過得怎麼樣",
    "你好吗",
    "お元気",
    "잘 지내",
    "как дела",
    "как ты",
    "як справи",
    "كيف حال",
    "מה שלומ",
    "कैसे है",
    "τι κάνεις",
];

/// What is known of a word: the languages that have it, a bit for each, and those in which it says a courtesy.
#[derive(Clone, Copy, Default)]
pub(super) struct Known {
    pub(super) tongues: u16,
    pub(super) courtesies: u16,
}

static LEXICON: LazyLock<HashMap<&str, Known, foldhash::fast::RandomState>> = LazyLock::new(|| {
    let mut lexicon: HashMap<&str, Known, _> = HashMap::default();
    for (at, tongue) in TONGUES.iter().enumerate() {
        for word in tongue.companions.split_whitespace() {
            lexicon.entry(word).or_default().tongues |= 1 << at;
        }
        for word in tongue.courtesies.split_whitespace() {
            let known = lexicon.entry(word).or_default();
            known.tongues |= 1 << at;
            known.courtesies |= 1 << at;
        }
    }
    lexicon
});

/// What is known of a bare word; nothing of most.
pub(super) fn known(word: &str) -> Known {
    LEXICON.get(word).copied().unwrap_or_default()
}

/// Whether a bare word is of other sentences, too.
pub(super) fn is_doubtful(word: &str) -> bool {
    DOUBTFUL.split_whitespace().any(|doubtful| doubtful == word)
}
