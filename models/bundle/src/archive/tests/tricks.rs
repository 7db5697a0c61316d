//! One test for each thing that a tar can say and a bundle must not.

use super::*;
use crate::archive::header::repair;

/// An archive whose first header is changed, with its checksum made right again.
fn crafted(change: impl FnOnce(&mut [u8])) -> String {
    let mut bytes = packed();
    change(&mut bytes[..512]);
    repair(&mut bytes[..512]);
    refusal(&bytes)
}

fn named(name: &[u8]) -> String {
    crafted(|header| {
        header[..100].fill(0);
        header[..name.len()].copy_from_slice(name);
    })
}

fn of_kind(kind: u8) -> String {
    crafted(|header| header[156] = kind)
}

fn archive_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    write(members, &mut out).unwrap();
    out
}

#[test]
fn row_19_an_absolute_path_is_refused() {
    let message = named(b"/etc/passwd");
    assert!(message.starts_with("bundle.tar: byte 0: `/etc/passwd` is no plain file name"), "{message}");
}

#[test]
fn row_19_a_path_out_of_the_folder_is_refused() {
    for name in ["../manifest.toml", "a/../../b", "..", ".", "./manifest.toml", "a/b", "a\\b", ".hidden", ""]
    {
        let message = named(name.as_bytes());
        assert!(message.contains("is no plain file name"), "{name}: {message}");
    }
}

#[test]
fn a_name_with_control_characters_is_refused_and_shown_without_them() {
    let message = named(b"\x1b[31mred");
    assert!(message.contains("is no plain file name") && !message.contains('\x1b'), "{message}");
}

#[test]
fn a_name_that_is_no_utf_8_is_refused() {
    assert!(named(b"m\xff.toml").contains("its name is no UTF-8 text"));
}

#[test]
fn a_name_that_goes_on_after_its_end_is_refused() {
    assert!(named(b"manifest.toml\0hidden").contains("goes on after its end"));
}

#[test]
fn a_path_prefix_is_refused() {
    assert!(crafted(|header| header[345..348].copy_from_slice(b"etc")).contains("path's prefix"));
}

#[test]
fn a_folder_is_refused() {
    assert!(of_kind(b'5').contains("a folder, not a regular file"));
}

#[test]
fn a_symbolic_link_is_refused() {
    assert!(of_kind(b'2').contains("a symbolic link"));
}

#[test]
fn a_hard_link_is_refused() {
    assert!(of_kind(b'1').contains("a hard link"));
}

#[test]
fn a_regular_file_with_a_links_target_is_refused() {
    assert!(crafted(|header| header[157] = b'x').contains("a link's target"));
}

#[test]
fn devices_are_refused() {
    assert!(of_kind(b'3').contains("a device"));
    assert!(of_kind(b'4').contains("a device"));
}

#[test]
fn a_fifo_is_refused() {
    assert!(of_kind(b'6').contains("a FIFO"));
}

#[test]
fn a_sparse_file_is_refused() {
    assert!(of_kind(b'S').contains("a sparse file"));
    // GNU's map of a sparse file, in a header that calls itself regular.
    assert!(crafted(|header| header[386..390].copy_from_slice(b"0001")).contains("extended fields"));
}

#[test]
fn pax_extensions_are_refused() {
    assert!(of_kind(b'x').contains("a pax extension"));
    assert!(of_kind(b'g').contains("a pax extension"));
}

#[test]
fn gnu_long_names_are_refused() {
    assert!(of_kind(b'L').contains("a GNU long name"));
    assert!(of_kind(b'K').contains("a GNU long name"));
}

#[test]
fn an_unknown_type_is_refused() {
    assert!(of_kind(b'7').contains("an entry of type `7`"));
    assert!(of_kind(0x1b).contains("an entry of type `\\x1b`"));
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let message = refusal(&archive_of(&[("manifest.toml", b"a"), ("manifest.toml", b"b")]));
    assert!(message.contains("byte 1024: `manifest.toml` is there twice"), "{message}");
}

#[test]
fn more_files_than_a_bundle_can_have_are_refused() {
    let names: Vec<String> = (0..=MAX_MEMBERS).map(|at| format!("file-{at:02}")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert!(Archive::from_bytes(&archive_of(&members[..MAX_MEMBERS])).is_ok());
    assert!(refusal(&archive_of(&members)).contains("more than 16 files"));
}

#[test]
fn a_file_above_its_limit_is_refused_before_it_is_read() {
    let message = crafted(|header| header[124..136].copy_from_slice(b"00001000001\0"));
    assert!(message.contains("`manifest.toml`: 262145 bytes, more than 262144 are not allowed"), "{message}");
    let message = crafted(|header| {
        header[..100].fill(0);
        header[..5].copy_from_slice(b"model");
        header[124..136].copy_from_slice(b"10000000001\0");
    });
    assert!(message.contains("`model`: 1073741825 bytes"), "{message}");
}

#[test]
fn sizes_that_add_up_to_more_than_the_file_are_refused() {
    let message = crafted(|header| header[124..136].copy_from_slice(b"00000777777\0"));
    assert!(message.contains("`manifest.toml` has 262143 bytes, but"), "{message}");
}

#[test]
fn a_size_that_is_no_octal_number_is_refused() {
    for size in
        [*b"\x80\0\0\0\0\0\0\0\0\0\0\x07", *b"00000000099\0", *b"           \0", *b"-0000000001\0", [0; 12]]
    {
        let message = crafted(|header| header[124..136].copy_from_slice(&size));
        assert!(message.contains("its size is no octal number"), "{message}");
    }
}

#[test]
fn a_wrong_checksum_is_refused() {
    let mut bytes = packed();
    bytes[100] ^= 1;
    assert!(refusal(&bytes).contains("its checksum is"));
    bytes[148..156].fill(b'x');
    assert!(refusal(&bytes).contains("its checksum is no number"));
}

#[test]
fn a_header_that_is_no_ustar_is_refused() {
    assert!(crafted(|header| header[257..265].fill(0)).contains("no ustar header"));
}

#[test]
fn bytes_hidden_behind_a_file_are_refused() {
    let mut bytes = archive_of(&[("card.md", b"# Card")]);
    bytes[512 + 100] = 1;
    let message = refusal(&bytes);
    assert!(message.contains("byte 612: bytes after the end of `card.md`"), "{message}");
}

#[test]
fn bytes_behind_the_end_are_refused_unless_they_are_zero() {
    let mut bytes = packed();
    let end = bytes.len() - 1024;
    bytes.extend([0; 9 * 512]);
    assert!(Archive::from_bytes(&bytes).is_ok());
    let last = bytes.len() - 1;
    bytes[last] = 1;
    let message = refusal(&bytes);
    assert!(message.contains(&format!("byte {last}: bytes after the end of the tar")), "{message}");
    bytes[last] = 0;
    bytes.resize(end + MAX_PADDING as usize + 512, 0);
    assert!(refusal(&bytes).contains("more than 65536 bytes follow the end"));
}

#[test]
fn a_second_archive_behind_the_first_is_refused() {
    let twice = [packed(), packed()].concat();
    assert!(refusal(&twice).contains("bytes after the end of the tar"));
}

#[test]
fn an_archive_that_is_cut_off_is_refused_wherever_it_is_cut() {
    let bytes = packed();
    for length in 0..bytes.len() {
        assert!(Archive::from_bytes(&bytes[..length]).is_err(), "{length}");
    }
    assert!(refusal(&bytes[..bytes.len() - 512]).contains("it is cut off, or no tar"));
}

#[test]
fn a_single_zero_block_is_no_end() {
    let mut bytes = packed();
    let end = bytes.len();
    bytes[end - 1] = 1;
    assert!(refusal(&bytes).contains("a single zero block"));
}

#[test]
fn a_compressed_archive_and_other_files_are_refused() {
    assert!(refusal(&[0x1f; 2048]).contains("this is no tar header"));
    let place = tempfile::tempdir().unwrap();
    let message = Archive::open(place.path()).unwrap_err().to_string();
    assert!(message.contains("it is not a regular file"), "{message}");
    assert!(
        Archive::open(&place.path().join("absent.tar")).unwrap_err().to_string().contains("cannot be read")
    );
}
