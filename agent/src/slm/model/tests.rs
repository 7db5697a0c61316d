//! What a loaded model promises, on tiny ones.

use super::fixtures::{self, Shape};
use super::*;

fn plain() -> LoadOptions {
    LoadOptions { plain: true, ..LoadOptions::default() }
}

fn decoder(bundle: lineside_bundle::Bundle, options: &LoadOptions) -> std::sync::Arc<dyn Decoder> {
    match load(bundle, options).unwrap() {
        Loaded::Decoder(decoder) => decoder,
        Loaded::Encoder(_) => panic!("a decoder was written"),
    }
}

/// A decoder of which every step is ours.
fn fused(shape: &Shape) -> std::sync::Arc<dyn Decoder> {
    let model = decoder(fixtures::decoder(shape), &LoadOptions::default());
    assert!(model.is_fused(), "{shape:?} is not understood");
    model
}

fn read(conversation: &mut dyn Conversation, tokens: &[Token]) -> Vec<f32> {
    conversation.feed(tokens, &|| true).unwrap();
    conversation.logits().to_vec()
}

fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    assert!(a.iter().all(|value| value.is_finite()));
    a.iter().zip(b).fold(0.0, |most, (a, b)| most.max((a - b).abs()))
}

fn shapes() -> Vec<Shape> {
    let usual = Shape::default();
    vec![
        usual.clone(),
        Shape { int4: true, ..usual.clone() },
        Shape { tied: false, all_logits: true, layers: 1, ..usual.clone() },
        Shape { heads: 6, shared: 1, head: 16, vocabulary: 33, ..usual.clone() },
        Shape { heads: 4, shared: 4, head: 24, inner: 100, layers: 3, ..usual },
    ]
}

#[test]
fn our_operators_say_what_tract_says() {
    for shape in shapes() {
        let (ours, tracts) = (fused(&shape), decoder(fixtures::decoder(&shape), &plain()));
        let (mut ours, mut tracts) = (ours.converse().unwrap(), tracts.converse().unwrap());
        for step in 0..40 {
            let tokens: Vec<Token> = (0..1 + step % 3 * 20).map(|at| (at * 7 + step) % 33).collect();
            if ours.len() + tokens.len() > 128 {
                break;
            }
            let (a, b) = (read(&mut *ours, &tokens), read(&mut *tracts, &tokens));
            // Inputs of four-bit products are rounded to eight bits.
            let most = b.iter().fold(0.0f32, |most, logit| most.max(logit.abs()));
            let tolerance = if shape.int4 { 0.03 * most } else { 1e-4 };
            assert!(apart(&a, &b) < tolerance, "{shape:?}, step {step}: {}", apart(&a, &b));
        }
    }
}

#[test]
fn the_way_a_prompt_is_cut_makes_no_difference() {
    for int4 in [false, true] {
        for options in [plain(), LoadOptions::default()] {
            let model = decoder(fixtures::decoder(&Shape { int4, ..Shape::default() }), &options);
            let tokens: Vec<Token> = (0..70).map(|at| at * 7 % 64).collect();
            let whole = read(&mut *model.converse().unwrap(), &tokens);
            assert_eq!(whole.len(), 64);
            for cut in [1, 5, 33, 69] {
                let mut conversation = model.converse().unwrap();
                read(&mut *conversation, &tokens[..cut]);
                let parts = read(&mut *conversation, &tokens[cut..]);
                assert!(apart(&whole, &parts) < 1e-4, "cut at {cut}");
                assert_eq!(conversation.len(), 70);
            }
        }
    }
}

#[test]
fn a_conversation_goes_on_by_itself_after_a_fork() {
    let model = decoder(fixtures::tiny_decoder(64), &LoadOptions::default());
    let mut first = model.converse().unwrap();
    read(&mut *first, &[1, 2, 3, 4]);
    let mut second = first.fork().unwrap();
    assert_eq!(second.logits(), first.logits());
    read(&mut *second, &[5, 6]);
    let after = read(&mut *first, &[7]);
    let alone = read(&mut *model.converse().unwrap(), &[1, 2, 3, 4, 7]);
    assert!(apart(&after, &alone) < 1e-5);
    assert_eq!((first.len(), second.len()), (5, 6));
}

#[test]
fn a_long_prompt_stops_between_two_chunks_when_asked() {
    let model = decoder(fixtures::tiny_decoder(64), &LoadOptions::default());
    let mut conversation = model.converse().unwrap();
    let stopped = conversation.feed(&[1; 100], &|| false);
    assert!(matches!(stopped, Err(ModelError::Stopped)));
    assert_eq!(conversation.len(), PREFILL_CHUNK);
}

#[test]
fn what_a_model_cannot_read_is_refused_and_nothing_is_read() {
    let model = decoder(fixtures::tiny_decoder(64), &LoadOptions::default());
    let mut conversation = model.converse().unwrap();
    read(&mut *conversation, &[1, 2]);
    let unknown = conversation.feed(&[3, 64], &|| true).unwrap_err().to_string();
    assert!(unknown.starts_with("token 64 is not in the vocabulary of 64"), "{unknown}");
    let long = conversation.feed(&[1; 127], &|| true).unwrap_err().to_string();
    assert!(long.starts_with("129 tokens, but this model takes 128 at most"), "{long}");
    assert_eq!(conversation.len(), 2);
}

#[test]
fn an_encoder_answers_with_a_vector_of_length_1_or_a_logit_for_each_label() {
    for (bundle, width) in [(fixtures::tiny_encoder(50), 16), (fixtures::tiny_classifier(50, 3), 3)] {
        let Loaded::Encoder(model) = load(bundle, &LoadOptions::default()).unwrap() else {
            panic!("an encoder was written");
        };
        assert_eq!((model.vocabulary(), model.context()), (50, 64));
        let one = model.encode(&[1, 2, 3]).unwrap();
        let other = model.encode(&[4, 5]).unwrap();
        assert_eq!((one.len(), other.len()), (width, width));
        assert!(apart(&one, &other) > 1e-3);
        if width == 16 {
            let length: f32 = one.iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-5);
        }
        assert!(model.encode(&[50]).is_err());
    }
}

#[test]
fn a_decoder_in_nnef_with_four_bit_weights_runs_as_one_program_and_says_what_tract_says() {
    for shape in [Shape::default(), Shape { tied: false, layers: 1, ..Shape::default() }] {
        let ours = decoder(fixtures::nnef_decoder(&shape), &LoadOptions::default());
        assert!(ours.is_fused());
        let tracts = decoder(fixtures::nnef_decoder(&shape), &plain());
        let (mut ours, mut tracts) = (ours.converse().unwrap(), tracts.converse().unwrap());
        for tokens in [&[1, 2, 3, 4, 5][..], &[6], &[7; 40]] {
            let (a, b) = (read(&mut *ours, tokens), read(&mut *tracts, tokens));
            let most = b.iter().fold(0.0f32, |most, logit| most.max(logit.abs()));
            assert!(apart(&a, &b) < 0.03 * most, "{shape:?}: {}", apart(&a, &b));
        }
    }
}

#[test]
fn an_embedding_that_is_the_head_is_held_once() {
    for int4 in [false, true] {
        let shape = Shape { int4, vocabulary: 512, ..Shape::default() };
        let (tied, apart) = (fused(&shape), fused(&Shape { tied: false, ..shape.clone() }));
        let matrix = 512 * 32 * if int4 { 20 } else { 128 } / 32;
        assert_eq!(apart.memory_bytes() - tied.memory_bytes(), matrix);
    }
}

#[test]
fn threads_make_no_difference_to_what_is_said() {
    let shape = Shape { vocabulary: 4096, int4: true, inner: 2048, ..Shape::default() };
    let [one, two] = [1, 2].map(|threads| {
        let options = LoadOptions { threads, ..LoadOptions::default() };
        read(&mut *decoder(fixtures::decoder(&shape), &options).converse().unwrap(), &[3; 60])
    });
    assert_eq!(one, two);
}

/// What a file is refused with whose `from` is replaced by `to`, of the same length.
fn refusal(from: &str, to: &str) -> String {
    let (bundle, mut model) = fixtures::tiny_decoder(64).into_model();
    let _ = bundle;
    assert_eq!(from.len(), to.len());
    let mut at = 0;
    while let Some(found) = model[at..].windows(from.len()).position(|window| window == from.as_bytes()) {
        model[at + found..][..to.len()].copy_from_slice(to.as_bytes());
        at += found + to.len();
    }
    let bundle = fixtures::bundle("kind = \"decoder\"\ncontext = 64\nend = [0]\n", &model);
    load(bundle, &LoadOptions::default()).err().unwrap().to_string()
}

#[test]
fn a_file_that_does_not_fit_is_refused_with_the_tensor_and_what_it_must_be() {
    for (from, to, expected) in [
        ("input_ids", "input_idz", "model.onnx: input `input_idz` is unknown: a decoder takes `input_ids`"),
        ("logits", "logitz", "output `logitz` is unknown: a decoder gives `logits`"),
        ("present_1_v", "present_2_v", "layer 1 go in or come out, but not both"),
        ("past_1_v", "past_7_v", "which are not keys and values of layers 0 to 1"),
        ("Softmax", "Softmix", "is no graph that fits its inputs"),
    ] {
        let message = refusal(from, to);
        assert!(message.contains(expected), "{from}: {message}");
    }
    let encoder =
        fixtures::bundle("kind = \"decoder\"\ncontext = 64\nend = [0]\n", fixtures::tiny_encoder(50).model());
    let message = load(encoder, &LoadOptions::default()).err().unwrap().to_string();
    assert!(message.contains("has no input `past_0_k`"), "{message}");
    let states = fixtures::labelled(3, fixtures::tiny_encoder(50).model());
    let message = load(states, &LoadOptions::default());
    let message = message.err().unwrap().to_string();
    assert!(
        message.contains("has no output `logits`, which `language.output` asks for, but `last_hidden_state`"),
        "{message}"
    );
}
