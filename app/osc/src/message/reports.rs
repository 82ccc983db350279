//! What is reported, and to whom.

use rosc::OscType;
use sostenuto_patch::ModuleId;

use crate::address::{Address, Arg, Count, Form, REPORT, REQUEST};
use crate::args::Args;
use crate::field::Field;
use crate::message::Message;
use crate::status::NoticeKind;
use crate::unreadable::Unreadable;

pub use crate::status::Notice;

message! {
    /// From here on, changes of the patch, meters, the health of the host, what it tells the musician,
    /// the places of signals, what is recorded, or where knobs stand are reported to this connection.
    /// Over UDP, `patch` and `view` are not reported; the rest comes to where the request came from,
    /// as after `/feedback`.
    Subscribe("/reports/subscribe", REQUEST.over_udp(), "patch health") {
        /// what is reported, one or more
        reports as "kind": Reports,
    }
}

message! {
    /// Ends what `/reports/subscribe` began.
    Unsubscribe("/reports/unsubscribe", REQUEST.over_udp(), "meters") {
        /// what is reported, one or more
        reports as "kind": Reports,
    }
}

message! {
    /// From here on, this controller is told where knobs stand: each as its own `/MODULE/PARAM`, first
    /// all of them, then those that are turned, here or elsewhere. It is the same as
    /// `/reports/subscribe params`, also for a controller that listens at another port. It ends when
    /// nothing has come from that machine for a minute.
    Feedback("/feedback", REQUEST.over_udp(), "9001") {
        /// where the controller listens, if that is another port than it sends from
        port: Option<u16> as Port,
    }
}

message! {
    /// Ends what `/feedback` began.
    EndFeedback("/feedback/end", REQUEST.over_udp(), "9001") {
        /// where the controller listens, if that is another port than it sends from
        port: Option<u16> as Port,
    }
}

message! {
    /// What a module shows on its face. Reported with `meters`, newest only.
    Meters("/meters", REPORT, "lead 0.25 -0.5") {
        /// a module's name in the patch
        module: ModuleId,
        /// what its face shows
        numbers as "number": Vec<f32> ["the module's", ""],
    }
}

message! {
    /// You read too slowly, and changes of the patch were left out from here on. Ask for `/patch/get`.
    Lost("/reports/lost", REPORT) {}
}

impl Message for Notice {
    const ADDRESS: Address = Address {
        path: "/notice",
        args: &[
            Arg::new("kind", Form::Text, "", "info, trouble", "whether something went wrong"),
            Arg::new("sentence", Form::Text, "", "", "for the musician"),
        ],
        example: "/notice info \"Playing through USB Audio.\"",
        help: "What the host tells the musician. Reported with `notices`; whoever subscribes hears the last 20 first.",
        ..REPORT
    };

    fn read(args: &mut Args) -> Result<Notice, Unreadable> {
        let kinds = [NoticeKind::Info, NoticeKind::Trouble];
        Ok(Notice { kind: args.word(&kinds, NoticeKind::word)?, sentence: String::read(args)? })
    }

    fn write(&self, args: &mut Vec<OscType>) {
        args.push(self.kind.word().into());
        String::write(&self.sentence, args);
    }
}

/// What a connection wants reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reports {
    /// Every change of the patch.
    pub patch: bool,
    /// What modules show on their faces.
    pub meters: bool,
    /// How host and workers are doing.
    pub health: bool,
    /// What the host tells the musician.
    pub notices: bool,
    /// Where modules lie in shared memory.
    pub view: bool,
    /// What the recorder does.
    pub recorder: bool,
    /// Where knobs stand.
    pub params: bool,
}

impl Reports {
    /// Where knobs stand, and nothing else.
    pub const PARAMS: Reports = Reports {
        patch: false,
        meters: false,
        health: false,
        notices: false,
        view: false,
        recorder: false,
        params: true,
    };

    /// Each by its name.
    fn named(&mut self) -> [(&'static str, &mut bool); 7] {
        [
            ("patch", &mut self.patch),
            ("meters", &mut self.meters),
            ("health", &mut self.health),
            ("notices", &mut self.notices),
            ("view", &mut self.view),
            ("recorder", &mut self.recorder),
            ("params", &mut self.params),
        ]
    }

    /// These, and those that are named as `is_wanted` says.
    pub fn with(mut self, mut named: Reports, is_wanted: bool) -> Reports {
        for ((_, is_on), (_, is_named)) in self.named().into_iter().zip(named.named()) {
            if *is_named {
                *is_on = is_wanted;
            }
        }
        self
    }

    /// Whether one of them is wanted that is for editors alone: it fits into no
    /// datagram, or tells of this machine's memory.
    pub fn is_for_editors(self) -> bool {
        self.patch || self.view
    }
}

impl Field for Reports {
    const FORM: Form = Form::Text;
    const COUNT: Count = Count::Repeated;
    const RANGE: &'static str = "patch, meters, health, notices, view, recorder, params";

    fn read(args: &mut Args) -> Result<Reports, Unreadable> {
        let mut reports = Reports::default();
        args.groups(|args| {
            let name = args.text()?;
            let named = reports.named().into_iter().find(|(is, _)| *is == name);
            named.map(|(_, is_on)| *is_on = true).ok_or_else(|| args.out_of_range())
        })?;
        Ok(reports)
    }

    fn write(value: &Reports, args: &mut Vec<OscType>) {
        let mut reports = *value;
        let named = reports.named().into_iter().filter(|(_, is_on)| **is_on);
        args.extend(named.map(|(name, _)| OscType::from(name)));
    }
}

/// Where a controller listens. A button that can send nothing but 0 and 1 means
/// the port that it sends from.
struct Port;

impl Field<Option<u16>> for Port {
    const FORM: Form = Form::Int;
    const COUNT: Count = Count::Optional;
    const RANGE: &'static str = "1024 to 65535; 0 and 1: the sender's";

    fn read(args: &mut Args) -> Result<Option<u16>, Unreadable> {
        match Option::<i32>::read(args)? {
            None | Some(0 | 1) => Ok(None),
            Some(port @ 1024..=65_535) => Ok(Some(port as u16)),
            Some(_) => Err(args.out_of_range()),
        }
    }

    fn write(value: &Option<u16>, args: &mut Vec<OscType>) {
        Option::<i32>::write(&value.map(i32::from), args);
    }
}
