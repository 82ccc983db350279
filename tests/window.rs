//! The window, worked by hands that are not there: real frames on a real host,
//! and everything found and read as a screen reader finds and reads it.

mod window {
    mod cables;
    mod comments;
    mod copies;
    mod files;
    mod flow;
    mod groups;
    mod hosts;
    mod keys;
    mod knobs;
    mod modules;
    mod place;
    mod play;
    mod stage;
    mod together;
    mod unseen;
    mod worked;
}
