//! The command line; what becomes of folders is tested where it is made.

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    args: FromHfArgs,
}

#[test]
fn tasks_are_named_as_manifests_write_them() {
    let line = ["from-hf", "folder", "--out", "bundle", "--task", "generate", "--task", "summarize-incident"];
    let args = Line::try_parse_from(line).unwrap().args;
    assert_eq!(args.tasks, [Task::Generate, Task::SummarizeIncident]);
    let unknown =
        Line::try_parse_from(["from-hf", "folder", "--out", "bundle", "--task", "sing"]).unwrap_err();
    assert!(unknown.to_string().contains("the tasks are detect, classify-incident"), "{unknown}");
}

#[test]
fn a_tar_that_is_there_already_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("bundle.tar");
    std::fs::write(&out, "mine").unwrap();
    let line = ["from-hf".as_ref(), folder.path().as_os_str(), "--out".as_ref(), out.as_os_str()];
    let refused = run(Line::try_parse_from(line).unwrap().args).unwrap_err();
    assert!(refused.to_string().contains("is there already"), "{refused}");
    assert_eq!(std::fs::read(&out).unwrap(), b"mine");
}
