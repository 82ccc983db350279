//! How clean, in tune and on time the modules are, and what they cost, beside
//! the best of the others. `UPDATE_DOCS=1` writes it down as `docs/quality.md`.

use std::fmt::Write;
use std::path::Path;

use sostenuto_benches::figures::{Figure, Section, sections};
use sostenuto_benches::speed::{Cost, costs, count_where_asked, peers};
use sostenuto_benches::table::{Row, Table, Target, digits};

const PAGE: &str = "../docs/quality.md";

fn main() {
    count_where_asked();
    let table = Table::begin("quality");
    let sections = sections();
    for figure in sections.iter().flat_map(|section| &section.figures) {
        table.row(&row(figure));
    }
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        let page = page(&sections, &costs());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
        std::fs::write(&path, page).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        table.note("docs/quality.md is written");
    }
}

fn row(figure: &Figure) -> Row<'_> {
    let row = Row::one(&figure.what, figure.unit, figure.ours);
    Row { target: figure.target, prototype: figure.best_peer.map(|(_, figure)| figure), ..row }
}

/// The whole page. Nothing on it is typed by hand.
fn page(sections: &[Section], costs: &[Cost]) -> String {
    let mut page = String::from(
        "# Quality\n\nHow clean, in tune and on time the modules are, and what they cost. \
         Everything here is measured, and written by\n\n    \
         UPDATE_DOCS=1 cargo bench -p sostenuto-benches --bench quality\n\n\
         The others were measured in the same way: their own code, built and rendered on one \
         machine.\n",
    );
    for section in sections {
        let (title, method) = (section.title, section.method);
        let _ = write!(page, "\n## {title}\n\n{method}\n\n");
        page += "| | ours | must be | best of the others |\n|---|--:|--:|---|\n";
        section.figures.iter().for_each(|figure| page += &figure_line(figure));
    }
    page += &speed(costs);
    page
}

fn figure_line(figure: &Figure) -> String {
    let row = row(figure);
    let target = row.target.map_or(String::new(), Target::words);
    let missed = if row.is_met() == Some(false) { " (missed)" } else { "" };
    let peer = figure
        .best_peer
        .map_or(String::new(), |(name, peer)| format!("{} {} ({name})", digits(peer), figure.unit));
    let ours = format!("{} {}", digits(figure.ours), figure.unit);
    format!("| {} | {} | {target}{missed} | {peer} |\n", figure.what, ours.trim_end())
}

fn speed(costs: &[Cost]) -> String {
    let mut text = String::from(
        "\n## Speed\n\nFor a frame of 48 kHz, with one voice and with sixteen: nanoseconds of one \
         core of the machine that wrote this page, and instructions, counted by callgrind, which \
         do not depend on the machine's load. Modules that make one stereo or mono sound sum the \
         voices. All outputs have a cable, but of the voice only what it is made of: VCO (saw), \
         ladder, ADSR and VCA.\n\n\
         | | mono, ns | mono, instr | 16, ns | 16, instr |\n|---|--:|--:|--:|--:|\n",
    );
    let instructions =
        |cost: &Cost| cost.instructions.map_or("–".to_owned(), |count| format!("{count:.0}"));
    for pair in costs.as_chunks::<2>().0 {
        let _ = write!(text, "| {}", pair[0].name);
        for cost in pair {
            let _ = write!(text, " | {} | {}", digits(cost.nanos.median()), instructions(cost));
        }
        text += " |\n";
    }
    text += "\nBeside the others, in instructions:\n\n| | ours | must be below | others |\n\
             |---|--:|--:|---|\n";
    for cost in costs {
        let Some(peers) = peers(cost.name, cost.channels) else { continue };
        let others = peers.figures.iter().map(|(name, figure)| format!("{name} {figure:.0}"));
        let (others, ours) = (others.collect::<Vec<_>>().join(", "), instructions(cost));
        let is_missed = cost.instructions.is_some_and(|count| count >= peers.target);
        let missed = if is_missed { " (missed)" } else { "" };
        let voices = if cost.channels == 1 { "mono" } else { "16 voices" };
        let (name, target) = (cost.name, peers.target);
        let _ = writeln!(text, "| {name}, {voices} | {ours} | {target:.0}{missed} | {others} |");
    }
    text
}
