//! Every message on the wire, declared once: its address, its arguments, who sends
//! it, how it is read and written. The manual, `docs/osc.md`, is made from this.
//!
//! To add one: declare it in its family with `message!`, name it in the list at
//! the end of this file, which is in the order of the manual, and handle it.

use std::fmt::Debug;

use rosc::{OscMessage, OscType};
use sostenuto_patch::Edit;

use crate::address::Address;
use crate::args::Args;
use crate::unreadable::Unreadable;

/// A message, as its arguments say it.
pub trait Message: Clone + Debug + PartialEq {
    /// What is declared of it.
    const ADDRESS: Address;

    /// Reads its arguments, in order.
    fn read(args: &mut Args) -> Result<Self, Unreadable>;

    /// Writes its arguments, in order.
    fn write(&self, args: &mut Vec<OscType>);

    /// As on the wire.
    fn encode(&self) -> OscMessage {
        let mut args = Vec::new();
        self.write(&mut args);
        OscMessage { addr: Self::ADDRESS.path.to_owned(), args }
    }
}

/// A message that is a change of the patch.
pub(crate) trait EditMessage: Message {
    /// The change.
    fn edit(self) -> Result<Edit, Unreadable>;
}

/// Declares a message whose arguments are the fields of a struct, one for one.
///
/// ```text
/// /// Its help in the manual.
/// Name("/address", who sends it, "an example's arguments") {
///     /// The argument's help.
///     field as "its name if another": Type as How ["unit", "range"],
/// }
/// ```
macro_rules! message {
    (
        $(#[doc = $help:literal])+
        $(#[derive($($derived:ident),+)])?
        $name:ident($path:literal, $base:expr $(, $example:literal)?) {$(
            $(#[doc = $arg_help:literal])+
            $field:ident $(as $arg:literal)?: $type:ty $(as $how:ty)? $([$unit:literal, $range:literal])?,
        )*}
    ) => {
        $(#[doc = $help])+
        #[derive(Clone, Debug, PartialEq $($(, $derived)+)?)]
        pub struct $name {$(
            $(#[doc = $arg_help])+
            pub $field: $type,
        )*}

        impl $crate::message::Message for $name {
            const ADDRESS: $crate::address::Address = $crate::address::Address {
                path: $path,
                args: &[$($crate::address::Arg {
                    name: [$($arg,)? stringify!($field)][0],
                    form: <how!($type $(, $how)?) as $crate::field::Field<$type>>::FORM,
                    count: <how!($type $(, $how)?) as $crate::field::Field<$type>>::COUNT,
                    unit: [$($unit,)? ""][0],
                    range: [$($range,)? <how!($type $(, $how)?) as $crate::field::Field<$type>>::RANGE][0],
                    help: concat!($($arg_help),+).trim_ascii_start(),
                }),*],
                example: concat!($path $(, " ", $example)?),
                help: concat!($($help),+).trim_ascii_start(),
                ..$base
            };

            #[allow(unused_variables, reason = "some have no arguments")]
            fn read(args: &mut $crate::args::Args) -> Result<Self, $crate::unreadable::Unreadable> {
                Ok($name {$(
                    $field: <how!($type $(, $how)?) as $crate::field::Field<$type>>::read(args)?,
                )*})
            }

            #[allow(unused_variables, reason = "some have no arguments")]
            fn write(&self, args: &mut Vec<rosc::OscType>) {
                $(<how!($type $(, $how)?) as $crate::field::Field<$type>>::write(&self.$field, args);)*
            }
        }
    };
}

/// The change of the patch that a message is, one for one.
macro_rules! edits {
    ($($name:ident { $($field:ident),* } => $edit:expr;)*) => {$(
        impl $crate::message::EditMessage for $name {
            fn edit(self) -> Result<sostenuto_patch::Edit, $crate::unreadable::Unreadable> {
                let $name { $($field),* } = self;
                Ok($edit)
            }
        }
    )*};
}

macro_rules! how {
    ($type:ty) => {
        $type
    };
    ($type:ty, $how:ty) => {
        $how
    };
}

pub mod add;
pub mod cable;
pub mod comment;
pub mod device;
pub mod edit;
pub mod group;
pub mod history;
pub mod host;
pub mod module;
pub mod note;
pub mod param;
pub mod patch;
pub mod record;
pub mod reports;
pub mod scene;
pub mod sound;
pub mod stage;
pub mod status;
pub mod view;

/// One message of a list: how to read it as what the list is of.
pub(crate) struct Entry<T> {
    pub(crate) address: Address,
    pub(crate) read: fn(&mut Args) -> Result<T, Unreadable>,
    #[cfg(test)]
    pub(crate) round_trip: fn(Vec<OscType>) -> Result<OscMessage, Unreadable>,
}

/// Makes the enums of requests and reports, and the lists that they are read by.
/// A request without a name of its own is a change of the patch.
macro_rules! messages {
    (
        Request { $($asked:ident::$ask:ident $(as $request:ident)?,)* }
        Report { $($told:ident::$tell:ident as $report:ident,)* }
    ) => {
        /// What can be asked of a host.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each message says it")]
        pub enum Request {
            Edit(Edit),
            $($($request($asked::$ask),)?)*
        }

        /// What a host says.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each message says it")]
        pub enum Report {
            Edit(Edit),
            $($report($told::$tell),)*
        }

        impl Request {
            /// The messages that ask for this, in order: one for most, and for an
            /// edit as many as it needs.
            pub fn messages(&self) -> Vec<OscMessage> {
                match self {
                    Request::Edit(edit) => edit::request(edit),
                    $($(Request::$request(message) => vec![message.encode()],)?)*
                }
            }
        }

        pub(crate) static REQUESTS: &[Entry<Request>] = &[$(Entry {
            address: $asked::$ask::ADDRESS,
            read: |args| { let message = $asked::$ask::read(args)?; request!(message $(, $request)?) },
            #[cfg(test)]
            round_trip: tests::round_trip::<$asked::$ask>,
        }),*];

        pub(crate) static REPORTS: &[Entry<Report>] = &[$(Entry {
            address: $told::$tell::ADDRESS,
            read: |args| $told::$tell::read(args).map(Report::$report),
            #[cfg(test)]
            round_trip: tests::round_trip::<$told::$tell>,
        }),*];
    };
}

macro_rules! request {
    ($message:ident) => {
        $message.edit().map(Request::Edit)
    };
    ($message:ident, $request:ident) => {
        Ok(Request::$request($message))
    };
}

messages! {
    Request {
        add::Add,
        add::AddPlaceholder,
        module::Remove,
        module::Move,
        module::Rename,
        module::Bypass,
        module::Text,
        module::Inside,
        module::Shown,
        module::Title,
        module::Lock,
        module::Retry as Retry,
        cable::Connect,
        cable::Disconnect,
        cable::Delay,
        param::SetParam as SetParam,
        comment::Set,
        comment::Remove,
        group::Set,
        group::Remove,
        stage::Set,
        stage::Remove,
        scene::Set,
        scene::Remove,
        scene::Keep,
        scene::Recall as Recall,
        scene::Glide as Glide,
        scene::Morph as Morph,
        note::NoteOn as NoteOn,
        note::NoteOff as NoteOff,
        note::AllOff as AllNotesOff,
        note::Panic as Panic,
        note::SetValue as SetValue,
        history::BeginGesture as BeginGesture,
        history::EndGesture as EndGesture,
        patch::Title,
        patch::Description,
        patch::Load as Load,
        patch::Save as Save,
        patch::New,
        patch::Put as Put,
        patch::Allow as Allow,
        patch::Get as GetPatch,
        history::Undo as Undo,
        history::Redo as Redo,
        history::Get as GetHistory,
        history::Go as GoTo,
        host::Query as QueryHost,
        module::Query as QueryModule,
        status::Query as QueryStatus,
        reports::Subscribe as Subscribe,
        reports::Unsubscribe as Unsubscribe,
        reports::Feedback as Feedback,
        reports::EndFeedback as EndFeedback,
        host::Sync as Sync,
        record::Start as StartRecording,
        record::Stop as StopRecording,
        record::SaveLast as SaveLast,
        sound::SoundChange as SetSound,
        sound::Query as QuerySound,
        device::QueryDevices as QueryDevices,
        status::Kill as Kill,
        host::Quit as Quit,
    }
    Report {
        host::Refused as Refused,
        host::Synced as Synced,
        patch::Whole as Patch,
        host::Host as Host,
        add::Described as Module,
        history::Steps as Steps,
        patch::PatchFile as PatchFile,
        patch::Wants as Wants,
        reports::Notice as Notice,
        history::History as History,
        status::Status as Status,
        status::WorkerStatus as Worker,
        status::ModuleFault as Fault,
        reports::Meters as Meters,
        view::View as View,
        view::Seen as Seen,
        view::End as ViewEnd,
        sound::SoundSetup as Sound,
        device::Devices as Devices,
        device::Device as Device,
        sound::InputSetup as Input,
        device::Inputs as Inputs,
        device::InputDevice as InputDevice,
        status::Killed as Killed,
        record::RecorderStatus as Recorder,
        record::Recorded as Recorded,
        reports::Lost as Lost,
    }
}

/// Every address, in the order of the manual.
pub fn addresses() -> impl Iterator<Item = &'static Address> {
    let requests = REQUESTS.iter().map(|entry| &entry.address);
    requests.chain(REPORTS.iter().map(|entry| &entry.address))
}

/// The address with that path.
pub fn find(path: &str) -> Option<&'static Address> {
    addresses().find(|address| address.path == path)
}

impl<T> Entry<T> {
    /// The one with that path.
    pub(crate) fn find(list: &'static [Entry<T>], path: &str) -> Option<&'static Entry<T>> {
        list.iter().find(|entry| entry.address.path == path)
    }

    /// Reads a message that is this one.
    pub(crate) fn read(&'static self, args: Vec<OscType>) -> Result<T, Unreadable> {
        let mut args = Args::new(&self.address, args);
        let read = (self.read)(&mut args)?;
        args.end().map(|()| read)
    }
}

#[cfg(test)]
mod tests;
