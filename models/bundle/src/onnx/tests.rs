//! Row 19: an ONNX file that would read another file is refused, wherever it says so.

use proptest::prelude::*;

use super::*;

/// A field that holds bytes.
fn field(number: u64, content: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A tensor whose values lie in the file at `location`.
fn external(location: &str) -> Vec<u8> {
    let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
    let data_location = [varint(14 << 3), varint(1)].concat();
    [field(8, b"weights"), field(13, &entry), data_location].concat()
}

/// A model whose innermost message is `content`, under the fields of `path`, outermost first.
fn nested(path: &[u64], content: &[u8]) -> Vec<u8> {
    path.iter().rev().fold(content.to_vec(), |inner, number| field(*number, &inner))
}

fn refusal(bytes: &[u8]) -> String {
    check("model.onnx", bytes).unwrap_err().to_string()
}

#[test]
fn row_19_external_data_is_refused_with_the_tensor_and_where_it_leads() {
    for location in ["../../etc/shadow", "/etc/shadow", "weights.bin"] {
        let message = refusal(&nested(&[7, 5], &external(location)));
        let expected = format!("tensor `weights` keeps its values in another file, `{location}`");
        assert!(message.starts_with("model.onnx: byte ") && message.contains(&expected), "{message}");
    }
}

#[test]
fn row_19_external_data_is_found_wherever_a_tensor_can_be() {
    for (place, path) in [
        ("initialiser", vec![7, 5]),
        ("values of a sparse initialiser", vec![7, 15, 1]),
        ("indices of a sparse initialiser", vec![7, 15, 2]),
        ("attribute", vec![7, 1, 5, 5]),
        ("list in an attribute", vec![7, 1, 5, 10]),
        ("sparse attribute", vec![7, 1, 5, 22, 1]),
        ("sparse list in an attribute", vec![7, 1, 5, 23, 1]),
        ("graph in an attribute", vec![7, 1, 5, 6, 5]),
        ("graph in a list in an attribute", vec![7, 1, 5, 11, 5]),
        ("graph in a graph in a graph", vec![7, 1, 5, 6, 1, 5, 6, 1, 5, 5]),
        ("function", vec![25, 7, 5, 5]),
        ("default of a function's attribute", vec![25, 11, 5]),
        ("training graph", vec![20, 1, 5]),
        ("training algorithm", vec![20, 2, 1, 5, 5]),
    ] {
        assert!(refusal(&nested(&path, &external("x"))).contains("tensor `weights`"), "{place}");
    }
}

#[test]
fn a_mark_without_a_place_and_a_place_without_a_mark_are_refused() {
    let mark = [varint(14 << 3), varint(1)].concat();
    assert!(refusal(&nested(&[7, 5], &mark)).contains("tensor `?` keeps its values in another file, `?`"));
    // A number of 64 bits that a reader of 32 bits takes for 1.
    let wide = [varint(14 << 3), varint(1 << 32 | 1)].concat();
    assert!(refusal(&nested(&[7, 5], &wide)).contains("tensor `?`"));
    let place = field(13, &[field(1, b"location"), field(2, b"x")].concat());
    assert!(refusal(&nested(&[7, 5], &place)).contains("another file, `x`"));
    let here = [varint(14 << 3), varint(0)].concat();
    assert!(check("model.onnx", &nested(&[7, 5], &here)).is_ok());
}

#[test]
fn a_second_graph_is_looked_at_too() {
    let model = [nested(&[7, 5], &field(8, b"fine")), nested(&[7, 5], &external("x"))].concat();
    assert!(refusal(&model).contains("tensor `weights`"));
}

#[test]
fn the_shipped_model_holds_all_of_its_values() {
    check("model.onnx", include_bytes!("../../../catalog/detector/model.onnx")).unwrap();
}

#[test]
fn what_is_no_protobuf_is_refused_with_its_byte() {
    let good = nested(&[7, 5], &field(8, b"fine"));
    for (bytes, at) in [
        (good[..good.len() - 1].to_vec(), 2),
        (vec![0x3a], 1),
        (vec![0x00], 1),
        (vec![0x3b], 1),
        (vec![0xff; 11], 10),
        (vec![0x08, 0x08, 0x38, 0x01], 2),
        ([varint(7 << 3 | 2), varint(u64::MAX)].concat(), 11),
    ] {
        let message = refusal(&bytes);
        assert!(
            message.starts_with(&format!("model.onnx: byte {at}: is no ONNX file")),
            "{bytes:?}: {message}"
        );
    }
}

#[test]
fn graphs_nested_without_end_are_refused_and_not_followed() {
    let path: Vec<u64> = std::iter::once(7).chain((0..MAX_DEPTH).flat_map(|_| [1, 5, 6])).collect();
    assert!(refusal(&nested(&path, b"")).contains("nested deeper than 100"));
}

#[test]
fn names_are_shown_short_and_without_control_characters() {
    let tensor = [field(8, &[0x1b; 500]), varint(14 << 3), varint(1)].concat();
    let message = refusal(&nested(&[7, 5], &tensor));
    assert!(!message.contains('\x1b') && message.len() < 800, "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        let _ = check("model.onnx", &bytes);
    }

    #[test]
    fn no_damage_of_a_model_makes_it_panic(
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let tensors = [nested(&[1, 5, 5], &external("x")), nested(&[5], &external("y"))].concat();
        let mut model = field(7, &tensors);
        let at = at.index(model.len());
        model[at] = byte;
        model.truncate(cut.index(model.len() + 1));
        let _ = check("model.onnx", &model);
    }
}
