//! What every module costs for a frame of 48 kHz, with one voice and with
//! sixteen; and the complete voice, VCO → ladder ← ADSR → VCA.

use sostenuto_benches::speed::{Cost, costs, count_where_asked, peers};
use sostenuto_benches::table::{Row, Table, Target};

fn main() {
    count_where_asked();
    let table = Table::begin("modules");
    let costs = costs();
    if costs.iter().all(|cost| cost.instructions.is_none()) {
        table.note("no instructions are counted: there is no callgrind (valgrind) here");
    }
    for cost in &costs {
        tell(&table, cost);
    }
}

fn tell(table: &Table, cost: &Cost) {
    let voices = if cost.channels == 1 { "mono" } else { "16 voices" };
    table.row(&Row::median(&format!("{}, {voices}: a frame", cost.name), "ns", &cost.nanos));
    let Some(instructions) = cost.instructions else { return };
    let what = format!("{}, {voices}: a frame", cost.name);
    let row = Row::one(&what, "instr", instructions);
    let Some(peers) = peers(cost.name, cost.channels) else { return table.row(&row) };
    table.row(&row.target(Target::Below(peers.target)));
    for (name, figure) in peers.figures {
        table.note(&format!("  beside it {name}: {figure:.0} instr"));
    }
}
