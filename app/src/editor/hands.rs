//! The keyboard at the bottom of the window: notes by mouse and by the keys one
//! writes with.
