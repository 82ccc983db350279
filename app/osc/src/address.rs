//! Every address on the wire, declared once. Requests are read by this table,
//! and the manual, `docs/osc.md`, is made from it.

use std::fmt::Write;

use crate::packet::MAX_PACKET_BYTES;

/// An address: what may follow it, and what it means.
#[derive(Debug)]
pub struct Address {
    /// As on the wire: `/param/set`.
    pub path: &'static str,
    /// Who sends it when.
    pub ways: &'static [Way],
    /// Its arguments. The last `optional` of them may be left out.
    pub args: &'static [Arg],
    /// How many of `args` may be left out.
    pub optional: usize,
    /// Arguments that follow any number of times, together.
    pub repeated: &'static [Arg],
    /// Whether controllers may send it over UDP.
    pub is_for_controllers: bool,
    /// A message as one would type it.
    pub example: &'static str,
    /// One sentence, and what would surprise.
    pub help: &'static str,
}

/// Who sends a message when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the host.
    Request,
    /// From the host, to whom asked.
    Reply,
    /// From the host, to who subscribed.
    Report,
}

/// An argument of a message.
#[derive(Debug)]
pub struct Arg {
    /// What the manual calls it.
    pub name: &'static str,
    /// What may stand there.
    pub form: Form,
    /// What a number counts, or nothing.
    pub unit: &'static str,
    /// Which values are taken.
    pub range: &'static str,
    /// What it means.
    pub help: &'static str,
}

/// What may stand in the place of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `s`
    Text,
    /// `f`; `d`, `i`, `h`, `T` and `F` are taken too.
    Number,
    /// `i`; `h`, `T`, `F`, and an `f` or `d` without a fraction, are taken too.
    Int,
    /// `h`
    Long,
    /// `T` or `F`; the numbers 1 and 0 are taken too.
    Flag,
    /// `f` or `s`: a number, or what a musician would type, such as `1.5 kHz` or
    /// a word of a choice; `T` and `F` are on and off.
    Value,
    /// `b`
    Blob,
}

impl Form {
    const fn tag(self) -> &'static str {
        match self {
            Form::Text => "s",
            Form::Number => "f",
            Form::Int => "i",
            Form::Long => "h",
            Form::Flag => "T or F",
            Form::Value => "f, s, T or F",
            Form::Blob => "b",
        }
    }

    /// As a sentence asks for it.
    pub const fn wanted(self) -> &'static str {
        match self {
            Form::Text => "a string",
            Form::Number => "a number",
            Form::Int | Form::Long => "a whole number",
            Form::Flag => "true or false",
            Form::Value => "a number or a word",
            Form::Blob => "a blob",
        }
    }
}

const fn arg(
    name: &'static str,
    form: Form,
    unit: &'static str,
    range: &'static str,
    help: &'static str,
) -> Arg {
    Arg { name, form, unit, range, help }
}

const ID: &str = "lower-case letters, digits, dashes";
const MODULE: Arg = arg("module", Form::Text, "", ID, "a module's name in the patch");
const KIND: Arg =
    arg("kind", Form::Text, "", "see `sostenuto modules`", "its name in the catalogue");
const FOREIGN_KIND: Arg = arg("kind", Form::Text, "", "none that is known", "what it is");
const FOREIGN_PARAM: Arg = arg("param", Form::Text, "", "", "a param's name");
const FOREIGN_VALUE: Arg = arg("value", Form::Value, "", "", "where it is set, kept as it is");
const COMMENT: Arg = arg("comment", Form::Text, "", ID, "a comment's name in the patch");
const X: Arg = arg("x", Form::Number, "points", "finite", "its left edge on the canvas");
const Y: Arg = arg("y", Form::Number, "points", "finite", "its top edge on the canvas");
const FROM: Arg = arg("from", Form::Text, "", "MODULE.OUTPUT", "where the signal comes from");
const TO: Arg = arg("to", Form::Text, "", "MODULE.INPUT", "where it goes to");
const PARAM: Arg = arg("param", Form::Text, "", "see `sostenuto modules`", "a param's name");
const VALUE: Arg = arg(
    "value",
    Form::Value,
    "the param's",
    "the param's",
    "where it is set: a number, a choice's word, or a string with a unit, such as `1.5 kHz`, `A4`, `50 %` or `-6 dB`",
);
const PRESS: Arg = arg(
    "press",
    Form::Number,
    "",
    "any",
    "for buttons that send a number: at 0, as the button comes up, nothing is done",
);
const FEEDBACK_PORT: Arg = arg(
    "port",
    Form::Int,
    "",
    "1024 to 65535; 0 and 1: the sender's",
    "where the controller listens, if that is another port than it sends from",
);
const DELAYED: Arg = arg("is_delayed", Form::Flag, "", "", "whether it is one sample late");
const BYPASSED: Arg = arg("is_bypassed", Form::Flag, "", "", "whether signals pass it by");
const KEY: Arg = arg("key", Form::Int, "semitones", "0 or more; 60 is C4", "which key");
const PATH: Arg = arg("path", Form::Text, "", "a whole path", "a file of the host's machine");
const JSON: Arg = arg("json", Form::Blob, "", "UTF-8", "the text of a patch file");
const REPORT: Arg = arg(
    "kind",
    Form::Text,
    "",
    "patch, meters, health, notices, view, recorder, params",
    "what is reported, one or more",
);
const FORMAT: Arg = arg(
    "format",
    Form::Text,
    "",
    "f32, s24, s16",
    "how samples lie in the file; s24 and s16 are dithered",
);
const WAV: Arg = arg("path", Form::Text, "", "a whole path, of no file", "the WAV file");
const DONE_WAV: Arg = arg("path", Form::Text, "", "", "the WAV file");
const SECONDS: Arg = arg("seconds", Form::Number, "s", "0 or more", "how long it is");
const SYNC: Arg = arg("id", Form::Int, "", "any", "comes back as it was sent");

const BLANK: Address = Address {
    path: "",
    ways: &[Way::Request],
    args: &[],
    optional: 0,
    repeated: &[],
    is_for_controllers: false,
    example: "",
    help: "",
};
const EDIT: Address = Address { ways: &[Way::Request, Way::Report], ..BLANK };
const REPLY: Address = Address { ways: &[Way::Reply], ..BLANK };

/// Every address, in the order of the manual.
pub static ADDRESSES: &[Address] = &[
    Address {
        path: "/module/add",
        args: &[MODULE, KIND, X, Y],
        repeated: &[PARAM, VALUE],
        example: "/module/add lead attenuverter 40.0 80.0 gain 0.5",
        help: "Puts a module on the canvas. Params that are not named start at their default.",
        ..EDIT
    },
    Address {
        path: "/placeholder/add",
        args: &[MODULE, FOREIGN_KIND, X, Y],
        repeated: &[FOREIGN_PARAM, FOREIGN_VALUE],
        example: "/placeholder/add cloud grains 40.0 80.0 density 12.5 window hann",
        help: "Puts something on the canvas that a file holds and this version does not know. It is kept as it is and not heard; for the rest it is treated as a module.",
        ..EDIT
    },
    Address {
        path: "/module/remove",
        args: &[MODULE],
        example: "/module/remove lead",
        help: "Takes a module away, and its cables with it.",
        ..EDIT
    },
    Address {
        path: "/module/move",
        repeated: &[MODULE, X, Y],
        example: "/module/move lead 120.0 80.0 filter 360.0 80.0",
        help: "Moves modules on the canvas. Nothing is heard.",
        ..EDIT
    },
    Address {
        path: "/module/rename",
        args: &[MODULE, arg("new_name", Form::Text, "", ID, "a name that no module has")],
        example: "/module/rename attenuverter-2 lead",
        help: "Gives a module another name. Its cables stay.",
        ..EDIT
    },
    Address {
        path: "/module/bypass",
        args: &[MODULE, BYPASSED],
        is_for_controllers: true,
        example: "/module/bypass lead true",
        help: "Lets signals pass a module by, or no longer.",
        ..EDIT
    },
    Address {
        path: "/module/text",
        args: &[
            MODULE,
            arg(
                "text",
                Form::Text,
                "",
                "at most 64 KiB",
                "what its kind asks for: the whole path of a sound (WAV, AIFF, FLAC, OGG Vorbis or MP3) or `factory:name.wav`, a formula, notes; empty for none",
            ),
        ],
        example: "/module/text math \"a * sin(tau * 2 * t)\"",
        help: "Gives a module another sound, formula or melody. It plays on, from where it is. It follows `/module`, where the module has a text.",
        ..EDIT
    },
    Address {
        path: "/module/retry",
        args: &[MODULE],
        is_for_controllers: true,
        example: "/module/retry lead",
        help: "Tries a module again that rests or is in quarantine because it kept crashing. It begins afresh, with its params.",
        ..BLANK
    },
    Address {
        path: "/cable/connect",
        args: &[FROM, TO],
        example: "/cable/connect lead.out filter.in",
        help: "Plugs a cable in. Cables into the same input are summed. One that closes a feedback loop is delayed by a sample.",
        ..EDIT
    },
    Address {
        path: "/cable/disconnect",
        args: &[FROM, TO],
        example: "/cable/disconnect lead.out filter.in",
        help: "Pulls a cable out.",
        ..EDIT
    },
    Address {
        path: "/cable/delay",
        args: &[FROM, TO, DELAYED],
        example: "/cable/delay echo.out mix.in-2 true",
        help: "Makes a cable of a feedback loop carry the sample before, or no longer. The cable that closes a loop is delayed when it is plugged in. To move the delay, first delay another cable of the loop, then stop delaying the one that was.",
        ..EDIT
    },
    Address {
        path: "/param/set",
        args: &[
            MODULE,
            PARAM,
            VALUE,
            arg(
                "gesture",
                Form::Int,
                "",
                "any; 0: none",
                "settings with the same number are one undo step",
            ),
        ],
        optional: 1,
        is_for_controllers: true,
        example: "/param/set lead gain -0.5",
        help: "Turns a knob; the sound glides there. A switch that is on and off again, also within one packet, is heard: each state lasts at least a millisecond. Over UDP, settings less than a second apart are one undo step. `/lead/gain -0.5` means the same: every knob has an address of its own, `/MODULE/PARAM`, with one argument. `/param/lead/gain -0.5` means the same, too; it is for modules whose name is the first word of another address.",
        ..EDIT
    },
    Address {
        path: "/comment/set",
        args: &[
            COMMENT,
            X,
            Y,
            arg("width", Form::Number, "points", "0 or more", "from edge to edge"),
            arg("height", Form::Number, "points", "0 or more", "from edge to edge"),
            arg("colour", Form::Int, "", "0 to 7", "which of the palette"),
            arg("text", Form::Text, "", "at most 64 KiB", "what it says"),
        ],
        example: "/comment/set voice 20.0 20.0 680.0 300.0 2 \"The voice\"",
        help: "Writes a comment, a coloured rectangle behind the modules, or changes the one of that name.",
        ..EDIT
    },
    Address {
        path: "/comment/remove",
        args: &[COMMENT],
        example: "/comment/remove voice",
        help: "Takes a comment away. What lies in it stays.",
        ..EDIT
    },
    Address {
        path: "/note/on",
        args: &[
            MODULE,
            KEY,
            arg("velocity", Form::Value, "", "0 to 1", "how hard; 0 lets the key go"),
            arg(
                "voct",
                Form::Value,
                "octaves above C4",
                "-10 to 10",
                "its pitch; without it, that of the key",
            ),
        ],
        optional: 1,
        is_for_controllers: true,
        example: "/note/on keyboard 57 0.8",
        help: "Presses a key of a module that is played. `/key/keyboard/57 0.8` means the same, for controllers that know one number to an address.",
        ..BLANK
    },
    Address {
        path: "/note/off",
        args: &[MODULE, KEY],
        is_for_controllers: true,
        example: "/note/off keyboard 57",
        help: "Lets a key go.",
        ..BLANK
    },
    Address {
        path: "/note/all-off",
        args: &[MODULE],
        optional: 1,
        is_for_controllers: true,
        example: "/note/all-off",
        help: "Lets every key go: of one module, or of all.",
        ..BLANK
    },
    Address {
        path: "/panic",
        args: &[PRESS],
        optional: 1,
        is_for_controllers: true,
        example: "/panic",
        help: "Lets go of everything and cuts what rings: every key goes up, buttons and touches go off, values of OSC In go to 0 V. The sound fades out and comes back; voices, filters, echoes and reverbs begin anew, clocks and sequencers play on.",
        ..BLANK
    },
    Address {
        path: "/module/in",
        args: &[
            MODULE,
            arg("value", Form::Int, "", "1 to 8", "which of its values"),
            arg("volts", Form::Value, "V", "-10 to 10", "to what it is set; T is 10 V, F is 0 V"),
        ],
        is_for_controllers: true,
        example: "/module/in osc-in 1 2.5",
        help: "Sets a value of an OSC In. A gate that is on and off again, also within one packet, is heard. It is no step of the history, and is not saved. `/in/osc-in/1 2.5` means the same, for controllers that know one number to an address.",
        ..BLANK
    },
    Address {
        path: "/gesture/begin",
        example: "/gesture/begin",
        help: "From here to `/gesture/end`, the edits of this connection are one undo step, as long as nobody else edits between them.",
        ..BLANK
    },
    Address {
        path: "/gesture/end",
        example: "/gesture/end",
        help: "Ends what `/gesture/begin` began.",
        ..BLANK
    },
    Address {
        path: "/patch/title",
        args: &[arg("title", Form::Text, "", "at most 64 KiB", "what the musician calls it")],
        example: "/patch/title \"Glass rain\"",
        help: "Names the patch.",
        ..EDIT
    },
    Address {
        path: "/patch/description",
        args: &[arg("text", Form::Text, "", "at most 64 KiB", "what it is and how to play it")],
        example: "/patch/description \"Turn the macro knob slowly.\"",
        help: "Describes the patch.",
        ..EDIT
    },
    Address {
        path: "/patch/load",
        args: &[PATH],
        example: "/patch/load /home/ada/rain.sostenuto",
        help: "Loads a patch file instead of this patch. It can be undone.",
        ..BLANK
    },
    Address {
        path: "/patch/save",
        args: &[PATH, arg("over_anything", Form::Flag, "", "", "overwrite even what is no patch")],
        optional: 1,
        example: "/patch/save /home/ada/rain.sostenuto",
        help: "Saves the patch. A file that is there, and is no patch that this version reads, is kept.",
        ..BLANK
    },
    Address {
        path: "/patch/new",
        example: "/patch/new",
        help: "An empty patch instead of this one. It can be undone.",
        ..BLANK
    },
    Address {
        path: "/patch/put",
        args: &[JSON],
        example: "/patch/put blob:{\"sostenuto\":1}",
        help: "Another patch instead of this one. It can be undone.",
        ..BLANK
    },
    Address {
        path: "/patch/get",
        example: "/patch/get",
        help: "Asks for the whole patch: `/patch`, then `/patch/file` and `/history`. After `/reports/lost`, reports of the patch go on from there.",
        ..BLANK
    },
    Address {
        path: "/undo",
        args: &[PRESS],
        optional: 1,
        is_for_controllers: true,
        example: "/undo",
        help: "Takes the last step back, whoever made it.",
        ..BLANK
    },
    Address {
        path: "/redo",
        args: &[PRESS],
        optional: 1,
        is_for_controllers: true,
        example: "/redo",
        help: "Makes the step again that was undone last.",
        ..BLANK
    },
    Address {
        path: "/history/get",
        args: &[
            arg("first", Form::Int, "", "0 or more; 0: the oldest", "from which step on"),
            arg("count", Form::Int, "", "0 or more", "how many, and at most 1000"),
        ],
        optional: 1,
        example: "/history/get 40 10",
        help: "Asks what steps did, done or to be redone: `/history/steps`.",
        ..BLANK
    },
    Address {
        path: "/history/go",
        args: &[arg("undos", Form::Int, "", "0 to all steps", "how many steps are done then")],
        example: "/history/go 12",
        help: "Takes back or makes again as many steps as it needs.",
        ..BLANK
    },
    Address {
        path: "/query/host",
        is_for_controllers: true,
        example: "/query/host",
        help: "Asks which program this is: `/host`.",
        ..BLANK
    },
    Address {
        path: "/query/module",
        args: &[MODULE],
        is_for_controllers: true,
        example: "/query/module lead",
        help: "Asks what a module is and where its params stand: `/module`, and `/module/text` where it has one.",
        ..BLANK
    },
    Address {
        path: "/query/status",
        is_for_controllers: true,
        example: "/query/status",
        help: "Asks how the sound is doing: `/status`, then a `/worker` for each worker.",
        ..BLANK
    },
    Address {
        path: "/reports/subscribe",
        repeated: &[REPORT],
        is_for_controllers: true,
        example: "/reports/subscribe patch health",
        help: "From here on, changes of the patch, meters, the health of the host, what it tells the musician, the places of signals, what is recorded, or where knobs stand are reported to this connection. Over UDP, `patch` and `view` are not reported; the rest comes to where the request came from, as after `/feedback`.",
        ..BLANK
    },
    Address {
        path: "/reports/unsubscribe",
        repeated: &[REPORT],
        is_for_controllers: true,
        example: "/reports/unsubscribe meters",
        help: "Ends what `/reports/subscribe` began.",
        ..BLANK
    },
    Address {
        path: "/feedback",
        args: &[FEEDBACK_PORT],
        optional: 1,
        is_for_controllers: true,
        example: "/feedback 9001",
        help: "From here on, this controller is told where knobs stand: each as its own `/MODULE/PARAM`, first all of them, then those that are turned, here or elsewhere. It is the same as `/reports/subscribe params`, also for a controller that listens at another port. It ends when nothing has come from that machine for a minute.",
        ..BLANK
    },
    Address {
        path: "/feedback/end",
        args: &[FEEDBACK_PORT],
        optional: 1,
        is_for_controllers: true,
        example: "/feedback/end 9001",
        help: "Ends what `/feedback` began.",
        ..BLANK
    },
    Address {
        path: "/sync",
        args: &[SYNC],
        is_for_controllers: true,
        example: "/sync 7",
        help: "Asks for `/synced`, once all that this connection asked for before is done, and lies in \
               the journal where the host keeps one.",
        ..BLANK
    },
    Address {
        path: "/record/start",
        args: &[WAV, FORMAT],
        example: "/record/start /home/ada/rain.wav s24",
        help: "Records what is heard from now on. The file gets its name when it is done; at 4 GiB, and where the sample rate changes, the recording goes on in another.",
        ..BLANK
    },
    Address {
        path: "/record/stop",
        example: "/record/stop",
        help: "Ends the recording. The patch is saved beside it.",
        ..BLANK
    },
    Address {
        path: "/record/save-last",
        args: &[
            WAV,
            FORMAT,
            arg(
                "seconds",
                Form::Number,
                "s",
                "up to 3600",
                "how much; without it, all that is remembered",
            ),
        ],
        optional: 1,
        example: "/record/save-last /home/ada/that-was-good.wav s24 60.0",
        help: "Saves what was heard before, whether it was recorded or not, and the patch beside it. Nothing is stopped for it.",
        ..BLANK
    },
    Address {
        path: "/sound/set",
        repeated: &[
            arg(
                "setting",
                Form::Text,
                "",
                "device, sample_rate, block, ahead, input",
                "what is set",
            ),
            arg(
                "value",
                Form::Value,
                "Hz, frames or blocks",
                "the setting's",
                "to what; a device by its id, or `default`, or `silent`; an input by its id, or `default`, or `none`",
            ),
        ],
        example: "/sound/set device silent",
        help: "Plays in another way, without a stop. Another block is not heard; another sample rate takes a moment of silence, and echoes begin anew.",
        ..BLANK
    },
    Address {
        path: "/query/sound",
        example: "/query/sound",
        help: "Asks how the sound is played, and what is heard: `/sound` and `/input`.",
        ..BLANK
    },
    Address {
        path: "/query/devices",
        example: "/query/devices",
        help: "Asks which sound cards there are: `/devices`, then a `/device` for each; `/inputs`, then an `/input/device` for each. It may take a second.",
        ..BLANK
    },
    Address {
        path: "/drill/kill",
        args: &[arg(
            "slot",
            Form::Int,
            "",
            "0 or more",
            "whose worker; without it, any that has work",
        )],
        optional: 1,
        example: "/drill/kill 0",
        help: "Kills a worker in the middle of its work, as a crash would: nobody should hear it. `/drill/killed` says what came of it.",
        ..BLANK
    },
    Address {
        path: "/host/quit",
        example: "/host/quit",
        help: "Ends the host, and with it the sound.",
        ..BLANK
    },
    Address {
        path: "/error",
        args: &[
            arg(
                "address",
                Form::Text,
                "",
                "",
                "of the request, or empty where the packet had none",
            ),
            arg("sentence", Form::Text, "", "", "why, for the musician"),
        ],
        example: "/error /undo \"Nothing is left to undo.\"",
        help: "A request was refused. Nothing has changed.",
        ..REPLY
    },
    Address {
        path: "/synced",
        args: &[SYNC],
        example: "/synced 7",
        help: "All that this connection asked for before `/sync` is done.",
        ..REPLY
    },
    Address {
        path: "/patch",
        ways: &[Way::Reply, Way::Report],
        args: &[JSON],
        example: "/patch blob:{\"sostenuto\":1}",
        help: "The whole patch: asked for, or because another one was loaded.",
        ..BLANK
    },
    Address {
        path: "/host",
        args: &[
            arg("version", Form::Text, "", "", "of the program"),
            arg(
                "catalogue",
                Form::Long,
                "",
                "any",
                "the same in two programs with the same modules",
            ),
            arg("pid", Form::Int, "", "", "its process"),
        ],
        example: "/host 0.1.0 81985529216486895h 4711",
        help: "Which program this is.",
        ..REPLY
    },
    Address {
        path: "/module",
        args: &[MODULE, KIND, X, Y, BYPASSED],
        repeated: &[PARAM, VALUE],
        example: "/module lead attenuverter 40.0 80.0 false gain 0.5 offset 0.0",
        help: "What a module is, with every param that it has.",
        ..REPLY
    },
    Address {
        path: "/history/steps",
        args: &[arg("first", Form::Int, "", "0 or more", "which step the first of these is")],
        repeated: &[arg("label", Form::Text, "", "", "what the step did")],
        example: "/history/steps 40 \"Add VCO\" \"Turn cutoff of ladder-2\"",
        help: "What steps did, the oldest first.",
        ..REPLY
    },
    Address {
        path: "/patch/file",
        ways: &[Way::Reply, Way::Report],
        args: &[
            arg("path", Form::Text, "", "", "where it was loaded from or saved to; else empty"),
            arg(
                "is_saved",
                Form::Flag,
                "",
                "",
                "whether the patch stands as in that file, or without one as it came",
            ),
        ],
        example: "/patch/file /home/ada/rain.sostenuto true",
        help: "The file of the patch. Reported with `patch`, when it changes.",
        ..BLANK
    },
    Address {
        path: "/notice",
        ways: &[Way::Report],
        args: &[
            arg("kind", Form::Text, "", "info, trouble", "whether something went wrong"),
            arg("sentence", Form::Text, "", "", "for the musician"),
        ],
        example: "/notice info \"Playing through USB Audio.\"",
        help: "What the host tells the musician. Reported with `notices`; whoever subscribes hears the last 20 first.",
        ..BLANK
    },
    Address {
        path: "/history",
        ways: &[Way::Reply, Way::Report],
        args: &[
            arg("undos", Form::Int, "", "0 or more", "steps that can be undone"),
            arg("redos", Form::Int, "", "0 or more", "steps that can be redone"),
            arg("label", Form::Text, "", "", "what the last step did that can be undone"),
        ],
        example: "/history 12 0 \"Add VCO\"",
        help: "How far undo and redo reach. Reported with `patch`, when it changes; what other steps did may have changed then, too.",
        ..BLANK
    },
    Address {
        path: "/status",
        ways: &[Way::Reply, Way::Report],
        args: &[
            arg("sample_rate", Form::Number, "Hz", "44100 to 192000", "of the sound card"),
            arg("block", Form::Int, "frames", "32 to 2048", "computed in one go"),
            arg("device", Form::Text, "", "", "the sound card, or the silent clock"),
            arg("load", Form::Number, "of 1", "0 or more", "share of its time that a block takes"),
            arg("latency", Form::Number, "s", "0 or more", "from an event to its sound"),
            arg("xruns", Form::Long, "", "0 or more", "blocks that were not ready, ever"),
            arg("blocks", Form::Long, "", "0 or more", "blocks, ever"),
            arg("workers", Form::Int, "", "0 or more", "how many `/worker` messages follow"),
            arg("faults", Form::Int, "", "0 or more", "how many `/module/fault` messages follow"),
        ],
        example: "/status 48000.0 256 \"silent clock\" 0.21 0.0117 0h 48112h 8 0",
        help: "How the sound is doing. Reported with `health`.",
        ..BLANK
    },
    Address {
        path: "/worker",
        ways: &[Way::Reply, Way::Report],
        args: &[
            arg("slot", Form::Int, "", "0 or more", "its place in the pool"),
            arg("pid", Form::Int, "", "", "its process"),
            arg("state", Form::Text, "", "", "what it is doing, in a word"),
            arg("jobs", Form::Int, "", "0 or more", "modules and loops that it computes"),
            arg("load", Form::Number, "of 1", "0 or more", "share of a block's time that it takes"),
            arg("restarts", Form::Int, "", "0 or more", "how often it was replaced"),
        ],
        example: "/worker 3 4712 playing 5 0.12 0",
        help: "How one worker is doing. Follows `/status`.",
        ..BLANK
    },
    Address {
        path: "/module/fault",
        ways: &[Way::Reply, Way::Report],
        args: &[
            MODULE,
            arg(
                "state",
                Form::Text,
                "",
                "replaced, began afresh, rests, quarantine or empty",
                "what is done with it",
            ),
            arg("crashes", Form::Int, "", "0 or more", "workers that died in it, or took too long"),
            arg(
                "not_finite",
                Form::Int,
                "samples",
                "0 or more",
                "that were no numbers, and became 0 V",
            ),
        ],
        example: "/module/fault lead quarantine 9 0",
        help: "What has gone wrong with a module. Follows `/worker`.",
        ..BLANK
    },
    Address {
        path: "/meters",
        ways: &[Way::Report],
        args: &[MODULE],
        repeated: &[arg("number", Form::Number, "the module's", "", "what its face shows")],
        example: "/meters lead 0.25 -0.5",
        help: "What a module shows on its face. Reported with `meters`, newest only.",
        ..BLANK
    },
    Address {
        path: "/view",
        ways: &[Way::Report],
        args: &[
            arg("control", Form::Text, "", "", "the name of the memory with the clock"),
            arg("arena", Form::Text, "", "", "the name of the memory with the modules"),
            arg("sample_rate", Form::Number, "Hz", "", "of the sound"),
            arg("block", Form::Int, "frames", "32 to 2048", "computed in one go"),
        ],
        example: "/view /sostenuto-4711-0a1b2c3d4e5f /sostenuto-4711-f5e4d3c2b1a0 48000.0 256",
        help: "Where signals can be read, in this machine's shared memory. Reported with `view`, at once and whenever modules or their places change. A `/view/module` for each module follows.",
        ..BLANK
    },
    Address {
        path: "/view/module",
        ways: &[Way::Report],
        args: &[
            MODULE,
            KIND,
            arg("memory", Form::Long, "bytes", "", "where it lies, from the start of the arena"),
            arg("slot", Form::Int, "", "0 or more", "which share of the patch it belongs to"),
        ],
        example: "/view/module lead attenuverter 1589248h 0",
        help: "Where one module lies. Follows `/view`.",
        ..BLANK
    },
    Address {
        path: "/view/end",
        ways: &[Way::Report],
        args: &[arg("modules", Form::Int, "", "0 or more", "how many there were")],
        example: "/view/end 12",
        help: "All modules have been named. Follows the last `/view/module`.",
        ..BLANK
    },
    Address {
        path: "/sound",
        ways: &[Way::Reply, Way::Report],
        args: &[
            arg(
                "device",
                Form::Text,
                "",
                "",
                "the sound card that is wanted, or `default`, or `silent`",
            ),
            arg("sample_rate", Form::Int, "Hz", "", "of the sound"),
            arg("block", Form::Int, "frames", "32 to 2048", "computed in one go"),
            arg("ahead", Form::Int, "blocks", "0 to 16", "computed ahead of the sound card"),
            arg("latency", Form::Number, "s", "0 or more", "from an event to its sound"),
            arg("is_playing", Form::Flag, "", "", "whether a sound card plays it"),
            arg("why_not", Form::Text, "", "", "empty where it does"),
        ],
        example: "/sound default 48000 256 1 0.016 true \"\"",
        help: "How the sound is played. Reported with `health`, when it changes.",
        ..BLANK
    },
    Address {
        path: "/devices",
        args: &[arg("devices", Form::Int, "", "0 or more", "how many `/device` messages follow")],
        example: "/devices 2",
        help: "The sound cards that there are.",
        ..REPLY
    },
    Address {
        path: "/device",
        args: &[
            arg("id", Form::Text, "", "", "what `/sound/set` takes"),
            arg("name", Form::Text, "", "", "what it says on it"),
            arg("is_default", Form::Flag, "", "", "whether it is the system's choice"),
        ],
        example: "/device alsa:hw:0 \"Built-in Audio\" true",
        help: "A sound card. Follows `/devices`.",
        ..REPLY
    },
    Address {
        path: "/input",
        ways: &[Way::Reply, Way::Report],
        args: &[
            arg("input", Form::Text, "", "", "what is wanted, or `default`, or `none`"),
            arg("card", Form::Text, "", "", "the sound card that is heard; empty where none is"),
            arg("latency", Form::Number, "s", "0 or more", "from what is heard to its sound"),
            arg(
                "slips",
                Form::Long,
                "",
                "0 or more",
                "times that a stretch was missing or too much, ever",
            ),
            arg(
                "why_not",
                Form::Text,
                "",
                "",
                "empty where one is heard, or no patch has an Audio In",
            ),
        ],
        example: "/input default \"Built-in Audio\" 0.021 0h \"\"",
        help: "How the patch hears the world. Reported with `health`, when it changes.",
        ..BLANK
    },
    Address {
        path: "/inputs",
        args: &[arg(
            "inputs",
            Form::Int,
            "",
            "0 or more",
            "how many `/input/device` messages follow",
        )],
        example: "/inputs 1",
        help: "The sound cards that can be heard.",
        ..REPLY
    },
    Address {
        path: "/input/device",
        args: &[
            arg("id", Form::Text, "", "", "what `/sound/set` takes as `input`"),
            arg("name", Form::Text, "", "", "what it says on it"),
            arg("is_default", Form::Flag, "", "", "whether it is the system's choice"),
        ],
        example: "/input/device alsa:hw:0 \"Built-in Audio\" true",
        help: "A sound card that can be heard. Follows `/inputs`.",
        ..REPLY
    },
    Address {
        path: "/drill/killed",
        ways: &[Way::Report],
        args: &[
            arg("pid", Form::Int, "", "", "the process that was killed"),
            arg("slot", Form::Int, "", "0 or more", "its share of the patch"),
            arg(
                "recovery",
                Form::Number,
                "s",
                "0 or more",
                "from its death to the first result of the other; 0: it had nothing to do",
            ),
            arg("xruns", Form::Long, "", "0 or more", "blocks that were late meanwhile"),
        ],
        example: "/drill/killed 4712 0 0.0008 0h",
        help: "A worker was killed by `/drill/kill`, and another does its work. Reported with `health`.",
        ..BLANK
    },
    Address {
        path: "/recorder",
        ways: &[Way::Report],
        args: &[
            arg("is_recording", Form::Flag, "", "", ""),
            arg("path", Form::Text, "", "", "the file that is being recorded, or empty"),
            SECONDS,
            arg(
                "remembered",
                Form::Number,
                "s",
                "0 or more",
                "what `/record/save-last` could save",
            ),
            arg(
                "dropped",
                Form::Long,
                "frames",
                "0 or more",
                "that came too fast, ever: they are silent",
            ),
        ],
        example: "/recorder true /home/ada/rain.wav 12.5 600.0 0h",
        help: "What the recorder does. Reported with `recorder`, four times a second.",
        ..BLANK
    },
    Address {
        path: "/recorded",
        ways: &[Way::Report],
        args: &[
            DONE_WAV,
            SECONDS,
            arg("peak", Form::Number, "of full scale", "0 to 1", "its loudest sample"),
        ],
        example: "/recorded /home/ada/rain.wav 62.5 0.7",
        help: "A recording is done. Reported with `recorder`.",
        ..BLANK
    },
    Address {
        path: "/reports/lost",
        ways: &[Way::Report],
        example: "/reports/lost",
        help: "You read too slowly, and changes of the patch were left out from here on. Ask for `/patch/get`.",
        ..BLANK
    },
];

/// The address with that path.
pub fn find(path: &str) -> Option<&'static Address> {
    ADDRESSES.iter().find(|address| address.path == path)
}

/// Whether addresses of two words and more begin with that one: then no knob's
/// short address can.
pub fn is_reserved(word: &str) -> bool {
    let begins = |path: &str| path[1..].split_once('/').is_some_and(|(first, _)| first == word);
    ["in", "key"].contains(&word) || ADDRESSES.iter().any(|address| begins(address.path))
}

/// The address of a knob: `/vcf/cutoff`.
pub fn of_param(module: &str, param: &str) -> String {
    let long = if is_reserved(module) { "/param" } else { "" };
    format!("{long}/{module}/{param}")
}

/// The text of `docs/osc.md`.
pub fn manual() -> String {
    let mut text = intro();
    for (title, way) in [
        ("What you can ask for", Way::Request),
        ("What comes back to you", Way::Reply),
        ("What is reported to subscribers only", Way::Report),
    ] {
        let first = |address: &&Address| address.ways[0] == way;
        write!(text, "\n## {title}\n").expect("a string takes all");
        ADDRESSES.iter().filter(first).for_each(|address| describe(&mut text, address));
    }
    text
}

fn intro() -> String {
    let mebibytes = MAX_PACKET_BYTES / (1024 * 1024);
    format!(
        "# Sostenuto over OSC\n\n\
        <!-- Made from app/osc/src/address.rs by `UPDATE_DOCS=1 cargo test -p sostenuto-osc --lib manual`. -->\n\n\
        A running host speaks OSC 1.0 on two ways:\n\n\
        - **The local stream**, for editors: a socket that only its user can open \
        (`$XDG_RUNTIME_DIR/sostenuto/host.sock`; on Windows a named pipe). Every packet has its length \
        in front, as four bytes, the highest first. A packet has at most {mebibytes} MiB; after a longer \
        one the connection is closed.\n\
        - **UDP**, for controllers: off until asked for, and then on the loopback only until asked \
        otherwise. It takes the requests that are marked *also over UDP*. Replies go to where the \
        request came from.\n\n\
        What is asked for on one connection is done in order. A bundle is done at once, message by \
        message; its time is not looked at. A request that is refused is answered with `/error` and \
        changes nothing; one that is done is answered only where it asks something. Patterns (`*`, `?`) \
        are not matched.\n\n\
        Where a number is wanted, `f`, `d`, `i` and `h` are all taken, and `T` and `F` are 1 and 0. A \
        message that has no arguments may leave out its type tags.\n\n\
        ## A controller without a script\n\n\
        Start the host with `sostenuto host PATCH --udp 0.0.0.0:9000`, and let the controller (TouchOSC, \
        Open Stage Control, a script) send to port 9000 of this machine. Every control of it needs an \
        address and one number:\n\n\
        | control | address | sends |\n|---|---|---|\n\
        | fader or knob | `/vcf/cutoff` | a number in the knob's unit, 20 to 20000; or a string, `1.5 kHz`, `A4` |\n\
        | toggle | `/mixer/mute-1` | 1 and 0, or T and F |\n\
        | button that is held | `/buttons/button-1` | 1 when it goes down, 0 when it comes up |\n\
        | list of words | `/vcf/mode` | the number of the word from 0, or the word |\n\
        | pad for one finger | `/xy-pad/x`, `/xy-pad/y`, `/xy-pad/touch` | 0 to 1; touch 1 and 0 |\n\
        | key | `/key/keyboard/60` | how hard, 0 to 1; 0 as it comes up. 60 is C4 |\n\
        | voltage for a cable | `/in/osc-in/1` | volts, -10 to 10; T and F are 10 V and 0 V |\n\
        | undo, panic | `/undo`, `/panic` | 1; a 0 does nothing |\n\
        | button \"feedback\" | `/feedback` | the port at which the controller listens, 9001 |\n\n\
        After `/feedback`, every fader and toggle goes to where its knob stands, and follows when the \
        knob is turned in the window, by another controller or by undo.\n"
    )
}

fn describe(text: &mut String, address: &Address) {
    let Address { path, args, repeated, help, example, .. } = address;
    write!(text, "\n### `{path}`\n\n{help}\n").expect("a string takes all");
    if address.is_for_controllers {
        text.push_str("*Also over UDP.*\n");
    }
    if address.ways == [Way::Request, Way::Report] {
        text.push_str("*Reported to subscribers of `patch` when it was done.*\n");
    } else if address.ways == [Way::Reply, Way::Report] {
        text.push_str("*Asked for, or reported to subscribers.*\n");
    }
    if !args.is_empty() || !repeated.is_empty() {
        text.push_str("\n| argument | type | unit | range | meaning |\n|---|---|---|---|---|\n");
    }
    for (index, arg) in args.iter().enumerate() {
        let is_optional = index >= args.len() - address.optional;
        row(text, arg, if is_optional { " (optional)" } else { "" });
    }
    for arg in *repeated {
        row(text, arg, " (repeated)");
    }
    write!(text, "\n`{example}`\n").expect("a string takes all");
}

fn row(text: &mut String, arg: &Arg, note: &str) {
    let Arg { name, form, unit, range, help } = arg;
    let tag = form.tag();
    writeln!(text, "| {name}{note} | {tag} | {unit} | {range} | {help} |")
        .expect("a string takes all");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{example, keeps_to_the_table};

    #[test]
    fn every_address_is_declared_once_with_its_example() {
        for (index, address) in ADDRESSES.iter().enumerate() {
            let path = address.path;
            assert_eq!(ADDRESSES.iter().position(|a| a.path == path), Some(index), "{path}");
            assert!(!address.ways.is_empty() && address.optional <= address.args.len(), "{path}");
            assert!(address.help.ends_with('.'), "{path}");
            assert!(keeps_to_the_table(&example(address.example)), "{}", address.example);
            assert_eq!(example(address.example).addr, path);
        }
    }

    #[test]
    fn no_knob_of_a_new_module_is_taken_for_another_address() {
        for entry in sostenuto_modules::catalog::CATALOG {
            let kind = entry.about.name;
            assert!(!is_reserved(kind), "{kind}");
            for param in entry.about.params {
                let path = of_param(kind, param.name);
                assert!(find(&path).is_none() && path.matches('/').count() == 2, "{path}");
            }
        }
        assert_eq!(of_param("sound", "cutoff"), "/param/sound/cutoff");
        assert!(["in", "key", "param", "module"].into_iter().all(is_reserved));
    }

    #[test]
    fn the_manual_on_disk_is_the_one_made_from_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/osc.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, manual()).unwrap();
        }
        // Git may have changed the ends of lines on Windows.
        let there = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
        assert!(there == manual(), "run UPDATE_DOCS=1 cargo test -p sostenuto-osc --lib manual");
    }
}
