//! Generated documents: what is checked in is what the program says.

use std::path::Path;

#[test]
fn reference_documents_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    #[expect(clippy::disallowed_methods, reason = "`cargo xtask generate` tells this test to write instead of compare")]
    let update = std::env::var_os("OPENSRE_UPDATE_REFERENCE").is_some();
    let mut stale = Vec::new();
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let readme = opensre_cli::reference::readme(&readme).expect("a place for the support table");
    for (path, content) in opensre_cli::reference::documents().into_iter().chain([("README.md".to_owned(), readme)]) {
        assert!(content.trim().lines().count() > 3, "{path} is empty");
        let file = root.join(&path);
        if std::fs::read_to_string(&file).is_ok_and(|there| there == content) {
            continue;
        }
        if update {
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            std::io::Write::write_all(&mut std::fs::File::create(&file).expect("a file"), content.as_bytes())
                .expect("written");
        } else {
            stale.push(path);
        }
    }
    assert_eq!(stale, Vec::<String>::new(), "stale; run `cargo xtask generate`");
}
