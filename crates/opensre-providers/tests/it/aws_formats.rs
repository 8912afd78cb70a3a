//! AWS's formats: signatures, XML, refusals, profiles, and what labels name.

use jiff::Timestamp;
use opensre_http::{FailureKind, HttpFailure};
use opensre_model::evidence::GapKind;
use opensre_model::secret::Secret;
use opensre_providers::aws::profile::Profiles;
use opensre_providers::aws::refusal::{explain, said};
use opensre_providers::aws::resources::Resources;
use opensre_providers::aws::sigv4::{Canonical, Credentials, SigV4};
use opensre_providers::aws::xml::{Node, NotXml};
use proptest::prelude::*;

use crate::stub::labels;

/// A case of AWS's published test suite (`aws-signing-test-suite/v4`, the header-signed variant).
struct Vector {
    name: &'static str,
    method: &'static str,
    path: &'static str,
    query: &'static [(&'static str, &'static str)],
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    token: Option<&'static str>,
    signed: &'static str,
    signature: &'static str,
}

const PLAIN: Vector = Vector {
    name: "get-vanilla",
    method: "GET",
    path: "/",
    query: &[],
    headers: &[],
    body: "",
    token: None,
    signed: "host;x-amz-date",
    signature: "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
};

const UNRESERVED: &str = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

const VECTORS: &[Vector] = &[
    PLAIN,
    Vector {
        name: "get-vanilla-empty-query-key",
        query: &[("Param1", "value1")],
        signature: "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
        ..PLAIN
    },
    Vector {
        name: "get-vanilla-query-order-encoded",
        query: &[("Param-3", "Value3"), ("Param", "Value2"), ("\u{1234}", "Value1")],
        signature: "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
        ..PLAIN
    },
    Vector {
        name: "get-vanilla-query-unreserved",
        query: &[(UNRESERVED, UNRESERVED)],
        signature: "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
        ..PLAIN
    },
    Vector {
        name: "get-vanilla-utf8-query",
        query: &[("\u{1234}", "bar")],
        signature: "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
        ..PLAIN
    },
    Vector {
        name: "get-utf8",
        path: "/\u{1234}",
        signature: "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ..PLAIN
    },
    Vector {
        name: "get-space-normalized",
        path: "/example space/",
        signature: "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741",
        ..PLAIN
    },
    Vector {
        name: "get-unreserved",
        path: "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        signature: "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
        ..PLAIN
    },
    Vector {
        name: "get-header-value-trim",
        headers: &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")],
        signed: "host;my-header1;my-header2;x-amz-date",
        signature: "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ..PLAIN
    },
    Vector {
        name: "get-vanilla-with-session-token",
        token: Some("6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"),
        signed: "host;x-amz-date;x-amz-security-token",
        signature: "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
        ..PLAIN
    },
    Vector {
        name: "post-sts-header-before",
        method: "POST",
        token: Some(
            "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==",
        ),
        signed: "host;x-amz-date;x-amz-security-token",
        signature: "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
        ..PLAIN
    },
    Vector {
        name: "post-x-www-form-urlencoded",
        method: "POST",
        headers: &[
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Content-Length", "13"),
            ("x-amz-content-sha256", "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"),
        ],
        body: "Param1=value1",
        signed: "content-length;content-type;host;x-amz-content-sha256;x-amz-date",
        signature: "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
        ..PLAIN
    },
];

fn signer(token: Option<&str>) -> SigV4 {
    SigV4 {
        credentials: Credentials {
            access_key_id: Secret::new("AKIDEXAMPLE"),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: token.map(Secret::new),
        },
        region: "us-east-1".to_owned(),
        service: "service",
    }
}

#[test]
fn signatures_are_those_of_the_published_test_suite() {
    let time: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
    for vector in VECTORS {
        let query: Vec<(String, String)> =
            vector.query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut headers = vec![("Host", "example.amazonaws.com")];
        headers.extend(vector.headers);
        let request = Canonical {
            method: vector.method,
            path: vector.path,
            query: &query,
            headers: &headers,
            body: vector.body.as_bytes(),
        };
        let added = signer(vector.token).headers(&request, time);
        let value = |name: &str| added.iter().find(|(known, _)| *known == name).map(|(_, value)| value.expose());
        assert_eq!(
            value("authorization"),
            Some(
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={}, Signature={}",
                    vector.signed, vector.signature
                )
                .as_str()
            ),
            "{}",
            vector.name
        );
        assert_eq!(value("x-amz-date"), Some("20150830T123600Z"));
        assert_eq!(value("x-amz-security-token"), vector.token);
        assert!(!format!("{:?}", signer(vector.token)).contains("wJalr"), "a secret is shown");
    }
}

#[test]
fn an_xml_answer_is_read_as_a_tree() {
    let document = Node::parse(
        "<?xml version=\"1.0\"?>\n<R xmlns=\"http://x/\"><A><member><N>a &amp; b &#x41;</N><T> 1.5 </T></member><member/></A>\
         <B><![CDATA[<raw>]]></B><C>true</C><D>2024-05-01T12:00:00.5Z</D></R>",
    )
    .unwrap();
    assert_eq!(document.name, "R");
    assert_eq!(document.list("A").len(), 2);
    assert_eq!(document.text("A/member/N"), Some("a & b A"));
    assert_eq!(document.number("A/member/T"), Some(1.5));
    assert_eq!(document.text("B"), Some("<raw>"));
    assert_eq!(document.boolean("C"), Some(true));
    assert_eq!(document.time("D"), "2024-05-01T12:00:00.5Z".parse().ok());
    assert_eq!(document.text("A/member/X"), None);
    for broken in ["", "text", "<a>", "<a></b>", "<a>&unknown;</a>", &"<a>".repeat(5000)] {
        assert_eq!(Node::parse(broken), Err(NotXml), "{broken:.20}");
    }
}

#[test]
fn refusals_of_all_three_protocols_are_told_apart() {
    let pair = |code: &str, message: &str| Some((code.to_owned(), message.to_owned()));
    let query = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>";
    let ec2 =
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
    assert_eq!(said(query), pair("AccessDenied", "no"));
    assert_eq!(said(ec2), pair("UnauthorizedOperation", "no"));
    assert_eq!(
        said(r#"{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}"#),
        pair("AccessDeniedException", "no")
    );
    assert_eq!(
        said(r#"{"__type":"ThrottlingException:http://x/","message":"slow"}"#),
        pair("ThrottlingException", "slow")
    );
    assert_eq!(said("<html><body>log in</body></html>"), None);

    let refused = |answer: &str| {
        let mut failure = HttpFailure::new(FailureKind::BadRequest(400), "rds.eu-west-1.amazonaws.com", "refused");
        failure.answer = answer.to_owned();
        explain(failure, "rds:DescribeDBInstances")
    };
    let denied = refused(query);
    assert_eq!(denied.failure.kind, GapKind::Denied);
    assert_eq!(
        denied.failure.reason,
        "rds.eu-west-1.amazonaws.com: does not allow rds:DescribeDBInstances with these credentials (AccessDenied): no"
    );
    assert!(denied.failure.hint.unwrap().contains("allow rds:DescribeDBInstances"));
    let kinds = [
        ("InvalidClientTokenId", GapKind::Denied),
        ("SignatureDoesNotMatch", GapKind::Denied),
        ("ExpiredToken", GapKind::Denied),
        ("Throttling", GapKind::RateLimited),
        ("RequestLimitExceeded", GapKind::RateLimited),
        ("ValidationError", GapKind::Failed),
    ];
    for (code, kind) in kinds {
        let refusal = refused(&format!("<E><Error><Code>{code}</Code></Error></E>"));
        assert_eq!(refusal.failure.kind, kind, "{code}");
        assert_eq!(refusal.is_throttled(), kind == GapKind::RateLimited, "{code}");
    }
    for code in
        ["DBInstanceNotFound", "DBClusterNotFoundFault", "InvalidInstanceID.NotFound", "ResourceNotFoundException"]
    {
        assert!(refused(&format!("<E><Error><Code>{code}</Code></Error></E>")).is_absent(), "{code}");
    }
}

#[test]
fn profiles_are_read_from_both_files() {
    let config = "[default]\nregion = eu-west-1\n\n[profile prod]\nrole_arn = arn:aws:iam::1:role/x # the role\n\
                  source_profile=base\ns3 =\n  max_concurrent = 2\n[sso-session corp]\nsso_region = eu-west-1\n[other]\nx=y\n";
    let credentials = "[base]\naws_access_key_id = AKIA\naws_secret_access_key = a=b\n[default]\nregion=us-east-1\n";
    let profiles = Profiles::read(config, credentials);
    assert_eq!(profiles.names().collect::<Vec<_>>(), ["base", "default", "prod"]);
    let setting = |profile: &str, key: &str| profiles.profile(profile).and_then(|one| one.get(key)).cloned();
    assert_eq!(setting("prod", "role_arn").as_deref(), Some("arn:aws:iam::1:role/x"));
    assert_eq!(setting("prod", "max_concurrent"), None);
    assert_eq!(setting("base", "aws_secret_access_key").as_deref(), Some("a=b"));
    assert_eq!(setting("default", "region").as_deref(), Some("us-east-1"));
    assert!(profiles.session("corp").is_some());
}

#[test]
fn labels_name_resources_in_every_spelling() {
    let of = |pairs: &[(&str, &str)]| Resources::of(&labels(pairs));
    for (label, value) in [
        ("DBInstanceIdentifier", "orders"),
        ("dimension_DBInstanceIdentifier", "orders"),
        ("dbinstance_identifier", "orders"),
        ("instance", "orders.c1a2b3.eu-central-1.rds.amazonaws.com:5432"),
        ("resource", "arn:aws:rds:eu-central-1:123456789012:db:orders"),
    ] {
        let found = of(&[(label, value)]);
        assert_eq!(found.databases.iter().collect::<Vec<_>>(), ["orders"], "{label}");
        assert_eq!(found.sought(), [("DBInstanceIdentifier".to_owned(), "orders".to_owned())], "{label}");
    }
    let found =
        of(&[("TargetGroup", "targetgroup/web/73e2d6bc24d8a067"), ("LoadBalancer", "app/front/50dc6c495c0c9188")]);
    assert_eq!((found.target_groups.len(), found.load_balancers.first().map(String::as_str)), (1, Some("front")));
    assert_eq!(of(&[("instance", "i-0123456789abcdef0")]).machines.len(), 1);
    assert_eq!(of(&[("instance", "10.0.0.1:9100")]), Resources::default());
    let found = of(&[("resource", "arn:aws:lambda:eu-west-1:123456789012:function:charge:7")]);
    assert_eq!(found.functions.iter().collect::<Vec<_>>(), ["charge"]);
    assert_eq!(of(&[("service", "checkout")]).sought()[0], ("ServiceName".to_owned(), "checkout".to_owned()));
    assert_eq!(of(&[("severity", "critical"), ("alertname", "X")]), Resources::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// What becomes part of a path or a name is a name: nothing that a label holds can leave it.
    #[test]
    fn only_names_become_resources(label in "(service|FunctionName|cluster|DBInstanceIdentifier|log_group)", value in "\\PC{0,40}") {
        let found = Resources::of(&labels(&[(label.as_str(), value.as_str())]));
        for name in found.names() {
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{name}");
            prop_assert!(name != "." && name != "..");
        }
        for group in &found.log_groups {
            prop_assert!(group.chars().all(|c| c.is_ascii_alphanumeric() || "-_./#".contains(c)), "{group}");
        }
    }

    #[test]
    fn no_text_breaks_the_readers(text in "\\PC{0,200}") {
        let _ = Node::parse(&text);
        let _ = said(&text);
        let _ = Profiles::read(&text, &text);
    }
}
