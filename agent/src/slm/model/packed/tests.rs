//! What is taken out of a file, and that no file makes this fail.

use proptest::prelude::*;

use super::*;
use crate::slm::model::fixtures::{self, Shape};

fn file(shape: &Shape) -> Vec<u8> {
    fixtures::decoder(shape).into_model().1
}

#[test]
fn all_four_bit_matrices_are_taken_out_and_the_rest_is_small() {
    let shape = Shape { int4: true, vocabulary: 640, ..Shape::default() };
    let file = file(&shape);
    let length = file.len();
    let cut = cut(file);
    // Seven products a layer, the head and the embedding.
    assert_eq!(cut.packed.len(), 2 * 7 + 2);
    let weights: usize = cut.packed.iter().map(|used| used.weights.rows() * used.weights.cols()).sum();
    assert!(cut.rest.len() < length - weights / 2);
    let (head, embedding) = (cut.packed.last().unwrap(), cut.packed.iter().find(|used| used.lookup).unwrap());
    assert!(Arc::ptr_eq(&head.weights, &embedding.weights), "one matrix for both");
}

#[test]
fn a_file_without_four_bit_matrices_is_left_as_it_is() {
    let file = file(&Shape::default());
    let cut = cut(file.clone());
    assert!(cut.packed.is_empty() && cut.rest == file);
}

proptest! {
    #[test]
    fn no_bytes_make_it_fail(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let cut = cut(bytes.clone());
        prop_assert!(cut.packed.is_empty() && cut.rest == bytes);
    }

    #[test]
    fn no_damage_makes_it_fail(at in 0usize..40_000, byte: u8, length in 0usize..40_000) {
        let shape = Shape { int4: true, layers: 1, ..Shape::default() };
        let mut file = file(&shape);
        let place = at % file.len();
        file[place] = byte;
        file.truncate(file.len().min(length.max(1)));
        let _ = cut(file);
    }
}
