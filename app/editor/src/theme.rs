//! Every colour and size of the window; nowhere else.

use eframe::egui::{
    self, Color32, Context, CornerRadius, FontDefinitions, FontFamily, Stroke, Visuals, vec2,
};
use serde::{Deserialize, Serialize};
use sostenuto_modules::module::{About, Tag};

/// Which colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// For a dim stage.
    #[default]
    Dark,
    /// For a bright room.
    Light,
    /// As much contrast as a screen has.
    HighContrast,
}

impl Look {
    /// Every one.
    pub const ALL: [Look; 3] = [Look::Dark, Look::Light, Look::HighContrast];

    /// What a menu calls it.
    pub fn name(self) -> &'static str {
        match self {
            Look::Dark => "Dark",
            Look::Light => "Light",
            Look::HighContrast => "High contrast",
        }
    }

    /// The one that was chosen; where none was, light or dark as the system is.
    pub fn chosen_or_system(chosen: Option<Look>, system: Option<egui::Theme>) -> Look {
        chosen.unwrap_or(match system {
            Some(egui::Theme::Light) => Look::Light,
            Some(egui::Theme::Dark) | None => Look::Dark,
        })
    }
}

/// The fonts of the window. Those of egui, and arrows from the one with even widths.
pub fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let even = fonts.families.get(&FontFamily::Monospace).and_then(|fonts| fonts.first()).cloned();
    if let (Some(even), Some(all)) = (even, fonts.families.get_mut(&FontFamily::Proportional)) {
        all.push(even);
    }
    fonts
}

/// The colours of a [`Look`].
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// Which it is.
    pub look: Look,
    /// Behind everything.
    pub canvas: Color32,
    /// The canvas's grid.
    pub grid: Color32,
    /// A module's panel.
    pub face: Color32,
    /// Wells of screens, faders and keys.
    pub well: Color32,
    /// Edges of panels.
    pub edge: Color32,
    /// Words.
    pub text: Color32,
    /// Words that matter less.
    pub faint: Color32,
    /// A knob's body.
    pub knob: Color32,
    /// Where a knob stands, what is selected, what is live.
    pub accent: Color32,
    /// Where a cable's volts have moved a knob.
    pub moved: Color32,
    /// Positive volts.
    pub positive: Color32,
    /// Negative volts.
    pub negative: Color32,
    /// Something went wrong.
    pub trouble: Color32,
    /// All is well.
    pub good: Color32,
    /// Eight colours that stay apart for every kind of eye: Okabe and Ito,
    /// "Color Universal Design" (2008), brightened or dimmed for the ground.
    pub cables: [Color32; 8],
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

impl Theme {
    /// The colours of that look.
    pub fn of(look: Look) -> Theme {
        match look {
            Look::Dark => Theme {
                look,
                canvas: rgb(0x16181c),
                grid: rgb(0x22252b),
                face: rgb(0x2a2e36),
                well: rgb(0x121418),
                edge: rgb(0x3d434f),
                text: rgb(0xe8eaee),
                faint: rgb(0x9aa3b2),
                knob: rgb(0x474e5c),
                accent: rgb(0xffb454),
                moved: rgb(0x59c2ff),
                positive: rgb(0xff9f43),
                negative: rgb(0x4db8ff),
                trouble: rgb(0xff6b5e),
                good: rgb(0x7fd962),
                cables: [
                    rgb(0xe69f00),
                    rgb(0x56b4e9),
                    rgb(0x00b583),
                    rgb(0xf0e442),
                    rgb(0x3d8fd1),
                    rgb(0xe5702a),
                    rgb(0xd68ab3),
                    rgb(0xc8ccd4),
                ],
            },
            Look::Light => Theme {
                look,
                canvas: rgb(0xeceef1),
                grid: rgb(0xdadde3),
                face: rgb(0xfbfbfc),
                well: rgb(0xe3e6eb),
                edge: rgb(0xb4bac6),
                text: rgb(0x1c2027),
                faint: rgb(0x5b6473),
                knob: rgb(0xd3d8e0),
                accent: rgb(0xb35900),
                moved: rgb(0x0066b3),
                positive: rgb(0xc25e00),
                negative: rgb(0x0069b4),
                trouble: rgb(0xb8261b),
                good: rgb(0x2b7a1f),
                cables: [
                    rgb(0xb87e00),
                    rgb(0x2b8cc4),
                    rgb(0x007d5b),
                    rgb(0x8f8600),
                    rgb(0x005a93),
                    rgb(0xb84a00),
                    rgb(0xa8578a),
                    rgb(0x4a4f59),
                ],
            },
            Look::HighContrast => Theme {
                look,
                canvas: rgb(0x000000),
                grid: rgb(0x1c1c1c),
                face: rgb(0x000000),
                well: rgb(0x000000),
                edge: rgb(0xffffff),
                text: rgb(0xffffff),
                faint: rgb(0xd8d8d8),
                knob: rgb(0x303030),
                accent: rgb(0xffe100),
                moved: rgb(0x5ad4ff),
                positive: rgb(0xffb000),
                negative: rgb(0x66ccff),
                trouble: rgb(0xff8a80),
                good: rgb(0x8cff66),
                cables: [
                    rgb(0xffb000),
                    rgb(0x66ccff),
                    rgb(0x00e0a4),
                    rgb(0xfff04a),
                    rgb(0x5aa9ff),
                    rgb(0xff8040),
                    rgb(0xff9fd0),
                    rgb(0xffffff),
                ],
            },
        }
    }

    /// The colour of a module's category.
    pub fn category(&self, about: &About) -> Color32 {
        let [orange, sky, green, yellow, blue, vermilion, purple, grey] = self.cables;
        match about.tags.first() {
            Some(Tag::Source) => orange,
            Some(Tag::Filter) => sky,
            Some(Tag::Dynamics) => vermilion,
            Some(Tag::Modulator | Tag::Random) => green,
            Some(Tag::Effect) => purple,
            Some(Tag::Sequencing) => yellow,
            Some(Tag::Play) => blue,
            _ => grey,
        }
    }

    /// Has egui's own widgets look alike, whether the system is light or dark: egui
    /// keeps a style for each, and turns to the other when the system does.
    pub fn apply(&self, ctx: &Context) {
        for system in [egui::Theme::Dark, egui::Theme::Light] {
            ctx.set_visuals_of(system, self.visuals());
        }
        ctx.all_styles_mut(|style| {
            style.spacing.button_padding = vec2(8.0, 3.0);
            // What a finger still hits.
            style.spacing.interact_size.y = 24.0;
        });
    }

    fn visuals(&self) -> Visuals {
        let mut visuals = if self.look == Look::Light { Visuals::light() } else { Visuals::dark() };
        visuals.panel_fill = self.face;
        visuals.window_fill = self.face;
        visuals.extreme_bg_color = self.well;
        visuals.override_text_color = Some(self.text);
        visuals.selection.bg_fill = self.accent.gamma_multiply(0.35);
        visuals.selection.stroke = Stroke::new(1.0, self.text);
        visuals.window_stroke = Stroke::new(1.0, self.edge);
        visuals.window_corner_radius = CornerRadius::same(6);
        visuals.hyperlink_color = self.moved;
        visuals.error_fg_color = self.trouble;
        visuals.warn_fg_color = self.accent;
        self.apply_to_widgets(&mut visuals);
        visuals
    }

    /// Buttons, sliders and fields, by how near the hand is.
    fn apply_to_widgets(&self, visuals: &mut Visuals) {
        let widgets = &mut visuals.widgets;
        let calm = self.knob.lerp_to_gamma(self.face, 0.45);
        for (widget, fill) in [
            (&mut widgets.noninteractive, self.face),
            (&mut widgets.inactive, calm),
            (&mut widgets.hovered, self.knob),
            (&mut widgets.active, self.knob),
            (&mut widgets.open, self.face),
        ] {
            widget.weak_bg_fill = fill;
            widget.bg_fill = fill;
            widget.bg_stroke = Stroke::new(1.0, self.edge);
        }
        widgets.inactive.bg_fill = self.knob;
        if self.look != Look::HighContrast {
            widgets.inactive.bg_stroke = Stroke::NONE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.1, "contrast ratio".
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |colour: Color32| {
            let [r, g, b, _] = eframe::egui::Rgba::from(colour).to_array();
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// Every word of common widgets, in the colour that it is drawn in.
    fn inks(ctx: &Context, system: egui::Theme) -> Vec<(String, Color32)> {
        let input = egui::RawInput { system_theme: Some(system), ..Default::default() };
        let mut words = (String::from("typed"), 0.5);
        let mut output = ctx.run_ui(input, |ui| {
            ui.label("label");
            ui.weak("weak");
            _ = ui.button("button");
            ui.checkbox(&mut true, "checkbox");
            _ = ui.radio(true, "radio");
            _ = ui.selectable_label(true, "selected");
            ui.text_edit_singleline(&mut words.0);
            ui.add(egui::Slider::new(&mut words.1, 0.0..=1.0).text("slider"));
            ui.menu_button("menu", |_| {});
        });
        output.textures_delta.clear();
        let of = |clipped: egui::epaint::ClippedShape| match clipped.shape {
            egui::Shape::Text(text) => {
                let section = text.galley.job.sections.first()?.format.color;
                let written =
                    if section == Color32::PLACEHOLDER { text.fallback_color } else { section };
                let ink = text.override_text_color.unwrap_or(written);
                Some((text.galley.job.text.clone(), ink))
            }
            _ => None,
        };
        output.shapes.into_iter().filter_map(of).collect()
    }

    #[test]
    fn every_look_is_whole_whether_the_system_is_light_or_dark_and_when_it_changes() {
        use egui::Theme::{Dark, Light};
        for look in Look::ALL {
            for systems in [[Light, Dark], [Dark, Light]] {
                let (ctx, theme) = (Context::default(), Theme::of(look));
                theme.apply(&ctx);
                for system in systems {
                    let inks = inks(&ctx, system);
                    assert!(inks.len() >= 9, "{inks:?}");
                    for (word, ink) in inks {
                        let ratio = contrast(ink, theme.face);
                        assert!(ratio >= 4.0, "{look:?}, {system:?}: {word} is {ink:?}, {ratio}");
                    }
                    let visuals = &ctx.global_style().visuals;
                    assert_eq!(visuals.panel_fill, theme.face, "{look:?}, {system:?}");
                    assert_eq!(visuals.extreme_bg_color, theme.well, "{look:?}, {system:?}");
                }
            }
        }
    }

    #[test]
    fn who_has_chosen_no_look_gets_the_systems() {
        use egui::Theme::{Dark, Light};
        let looks = [Some(Light), Some(Dark), None].map(|s| Look::chosen_or_system(None, s));
        assert_eq!(looks, [Look::Light, Look::Dark, Look::Dark]);
        let chosen = Some(Look::HighContrast);
        assert_eq!(Look::chosen_or_system(chosen, Some(Light)), Look::HighContrast);
    }

    #[test]
    fn words_can_be_read_on_every_ground() {
        for look in Look::ALL {
            let theme = Theme::of(look);
            for ground in [theme.canvas, theme.face, theme.well] {
                for (ink, least) in [(theme.text, 7.0), (theme.faint, 4.5), (theme.trouble, 4.5)] {
                    assert!(contrast(ink, ground) >= least, "{look:?} {ink:?} on {ground:?}");
                }
                for cable in theme.cables {
                    assert!(contrast(cable, ground) >= 2.4, "{look:?} {cable:?} on {ground:?}");
                }
            }
        }
    }
}
