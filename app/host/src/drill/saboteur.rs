//! A module beside the patch that hangs when it is told to, and is not heard.

use std::time::Duration;

use sostenuto_modules::catalog;
use sostenuto_modules::module::Role;
use sostenuto_patch::{ModuleId, Patch, PatchModule, read_value};

use crate::control::sound::PlayPatch;
use crate::player::Player;

/// In how many of the 32-frame quanta in which it may it hangs. The worker that
/// does the block again tries its luck again.
const CHANCE: f32 = 0.02;

/// How long it may take until it does.
const PATIENCE: Duration = Duration::from_millis(500);

/// The module, and its knob.
#[derive(Clone)]
pub struct Saboteur {
    id: ModuleId,
    fault: usize,
    hang: f32,
}

impl Saboteur {
    /// Puts one into a patch. `None` where it lacks the params.
    pub fn add(patch: &mut Patch) -> Option<Saboteur> {
        let about = catalog::with_role(Role::Saboteur).1.about;
        let fault = about.params.iter().position(|param| param.name == "fault")?;
        let choice = |param: &str, word: &str| {
            let param = about.params.iter().find(|it| it.name == param)?;
            read_value(about.name, param, word, param.default).ok()
        };
        let (hang, always) = (choice("fault", "hang")?, choice("when", "always")?);
        let id = patch.fresh_id(about.name);
        let mut module = PatchModule::new(about.name, 0.0, 0.0);
        module.params.insert("when".into(), always);
        module.params.insert("chance".into(), CHANCE);
        patch.modules.insert(id.clone(), module);
        Some(Saboteur { id, fault, hang })
    }

    /// Has it hang, until its worker is dead.
    pub fn hang_once(&self, player: &mut Player) {
        let deaths = player.pool().deaths();
        player.param_changed(&self.id, self.fault, self.hang);
        player.pool().wait_for_deaths(deaths + 1, PATIENCE);
        player.param_changed(&self.id, self.fault, 0.0);
    }
}
