//! Which of the model files of a folder is taken.

use super::ImportError;
use super::folder::Folder;

/// What optimum calls the file that holds everything.
const USUAL: &str = "model.onnx";

/// The file that is taken, and those that are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Its name inside the folder.
    pub file: String,
    /// The others, in their order.
    pub left: Vec<String>,
}

/// Takes the file that was asked for, otherwise `model.onnx`, otherwise the only one.
pub(super) fn choose(folder: &Folder, asked: Option<&str>) -> Result<Variant, ImportError> {
    let found = folder.ending_in(".onnx")?;
    pick(found, asked)
}

fn pick(mut found: Vec<String>, asked: Option<&str>) -> Result<Variant, ImportError> {
    let listed =
        |found: &[String]| found.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let position = |wanted: &str| found.iter().position(|name| name == wanted);
    let at = match asked {
        Some(asked) => position(asked).ok_or_else(|| {
            ImportError::option(
                "--file",
                format!("`{asked}` is not in the folder, which has {}", listed(&found)),
            )
        })?,
        None => match position(USUAL).or_else(|| position("onnx/model.onnx")) {
            Some(at) => at,
            None if found.len() == 1 => 0,
            None if found.is_empty() => {
                let problem = "is not in the folder: export it with `optimum-cli export onnx --task \
                               text-generation-with-past --no-post-process` (an encoder: `--task feature-extraction`)";
                return Err(ImportError::file(USUAL, problem));
            }
            None => {
                let problem =
                    format!("is not in the folder, but {}: choose one with `--file`", listed(&found));
                return Err(ImportError::file(USUAL, problem));
            }
        },
    };
    let file = found.remove(at);
    Ok(Variant { file, left: found })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_whole_model_is_taken_and_the_variants_that_are_left_are_named() {
        let found = names(&["model.onnx", "onnx/model_fp16.onnx"]);
        let chosen = pick(found.clone(), None).unwrap();
        assert_eq!(chosen, Variant { file: "model.onnx".into(), left: names(&["onnx/model_fp16.onnx"]) });
        assert_eq!(pick(found, Some("onnx/model_fp16.onnx")).unwrap().left, names(&["model.onnx"]));
        assert_eq!(pick(names(&["odd.onnx"]), None).unwrap().file, "odd.onnx");
    }

    #[test]
    fn what_cannot_be_chosen_is_asked_for_with_the_names() {
        let several = pick(names(&["decoder_model.onnx", "decoder_with_past_model.onnx"]), None).unwrap_err();
        assert!(
            several.to_string().contains("`decoder_with_past_model.onnx`: choose one with `--file`"),
            "{several}"
        );
        assert!(pick(vec![], None).unwrap_err().to_string().contains("optimum-cli export onnx"));
        let unknown = pick(names(&["model.onnx"]), Some("m.onnx")).unwrap_err().to_string();
        assert!(
            unknown.starts_with("--file: `m.onnx` is not in the folder, which has `model.onnx`"),
            "{unknown}"
        );
    }
}
