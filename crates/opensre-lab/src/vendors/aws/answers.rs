//! What the account answers: canned data around the onset of its incident. The database `orders-db` runs out of CPU ten
//! minutes after a deployment of the service `checkout`.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Account, Asked, lock};

type Refusal = (u16, &'static str, String);

/// The answer to a call, or its refusal.
pub(super) fn of(account: &Account, asked: &Asked, key: &str, region: &str) -> Result<String, Refusal> {
    let action = asked.action.as_str();
    let text = |name: &str| asked.parameters.get(name).and_then(Value::as_str).unwrap_or_default();
    let result = |inner: String| {
        Ok(format!(
            "<{action}Response xmlns=\"http://aws.example/\"><{action}Result>{inner}</{action}Result></{action}Response>"
        ))
    };
    match action {
        "GetCallerIdentity" => {
            let arn = lock(&account.keys).get(key).cloned().unwrap_or_default();
            result(format!("<Arn>{arn}</Arn><UserId>AIDA</UserId><Account>{}</Account>", account.id))
        }
        "AssumeRole" | "AssumeRoleWithWebIdentity" => assume(account, asked).and_then(result),
        "DescribeAlarms" => result(format!("<MetricAlarms>{}</MetricAlarms>", alarms(account, asked))),
        "DescribeAlarmHistory" => result(history(account)),
        "ListMetrics" => result(list_metrics(asked)),
        "GetMetricData" => result(metric_data(account, asked)),
        "DescribeDBInstances" if text("DBInstanceIdentifier") == "orders-db" => result(database()),
        "DescribeDBInstances" => Err((404, "DBInstanceNotFound", "DBInstance not found.".to_owned())),
        "DescribeDBClusters" => Err((404, "DBClusterNotFoundFault", "DBCluster not found.".to_owned())),
        "DescribeEvents" if text("SourceIdentifier") == "orders-db" => {
            let at = account.at(4);
            result(format!(
                "<Events><Event><SourceIdentifier>orders-db</SourceIdentifier><SourceType>db-instance</SourceType><Message>The free storage capacity for DB Instance orders-db is low</Message><EventCategories><EventCategory>low storage</EventCategory></EventCategories><Date>{at}</Date></Event></Events>"
            ))
        }
        "DescribeEvents" => Err((404, "SourceNotFound", "not found".to_owned())),
        "DescribeInstances" if text("InstanceId.1") == "i-0123456789abcdef0" => Ok(
            "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-0123456789abcdef0</instanceId><instanceState><code>16</code><name>running</name></instanceState><instanceType>m6i.large</instanceType><tagSet><item><key>Name</key><value>web-1</value></item></tagSet></item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
                .to_owned(),
        ),
        "DescribeInstanceStatus" if text("InstanceId.1") == "i-0123456789abcdef0" => Ok(format!(
            "<DescribeInstanceStatusResponse><instanceStatusSet><item><instanceId>i-0123456789abcdef0</instanceId><systemStatus><status>impaired</status></systemStatus><instanceStatus><status>ok</status></instanceStatus><eventsSet><item><code>instance-retirement</code><description>degraded hardware</description><notBefore>{}</notBefore></item></eventsSet></item></instanceStatusSet></DescribeInstanceStatusResponse>",
            account.at(20)
        )),
        "DescribeInstances" | "DescribeInstanceStatus" => Err((400, "InvalidInstanceID.NotFound", "The instance ID does not exist".to_owned())),
        "DescribeTargetGroups" => result("<TargetGroups><member><TargetGroupArn>arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/web/73e2</TargetGroupArn><TargetGroupName>web</TargetGroupName></member></TargetGroups>".to_owned()),
        "DescribeLoadBalancers" => result("<LoadBalancers><member><LoadBalancerArn>arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/front/50dc</LoadBalancerArn></member></LoadBalancers>".to_owned()),
        "DescribeTargetHealth" => result("<TargetHealthDescriptions><member><Target><Id>i-1</Id><Port>80</Port></Target><TargetHealth><State>healthy</State></TargetHealth></member><member><Target><Id>i-2</Id><Port>80</Port></Target><TargetHealth><State>unhealthy</State><Reason>Target.Timeout</Reason><Description>Request timed out</Description></TargetHealth></member></TargetHealthDescriptions>".to_owned()),
        "DescribeCluster" if !lock(&account.clusters).is_empty() => describe_cluster(account, text("name"), region),
        _ => json_of(account, asked).map(|answer| answer.to_string()),
    }
}

impl Account {
    /// So many minutes after the onset.
    fn at(&self, minutes: i64) -> Timestamp {
        self.onset + SignedDuration::from_mins(minutes)
    }

    /// The same, in seconds with a fraction, as JSON has times.
    fn seconds(&self, minutes: i64) -> f64 {
        self.at(minutes).as_millisecond() as f64 / 1000.0
    }
}

fn assume(account: &Account, asked: &Asked) -> Result<String, Refusal> {
    let text = |name: &str| asked.parameters.get(name).and_then(Value::as_str);
    let arn = text("RoleArn").unwrap_or_default();
    let denied = |why: &str| (403, "AccessDenied", format!("not authorized to perform: sts:AssumeRole on {arn} {why}"));
    let wanted = account.roles.get(arn).ok_or_else(|| denied(""))?;
    let web = asked.action == "AssumeRoleWithWebIdentity";
    if web && text("WebIdentityToken").is_none_or(str::is_empty) {
        return Err((400, "InvalidIdentityToken", "no token".to_owned()));
    }
    if !web && wanted.as_deref() != text("ExternalId") {
        return Err(denied("(external id)"));
    }
    let session = text("RoleSessionName").unwrap_or_default();
    let name = arn.rsplit('/').next().unwrap_or_default();
    let key = format!("ASIA{}", name.to_uppercase());
    let own = format!("arn:aws:sts::{}:assumed-role/{name}/{session}", account.id);
    lock(&account.keys).insert(key.clone(), own);
    Ok(format!(
        "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>role+secret/key</SecretAccessKey><SessionToken>role-session-token==</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    ))
}

fn alarms(account: &Account, asked: &Asked) -> String {
    let wanted: Vec<&str> = asked
        .parameters
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| name.starts_with("AlarmNames.member."))
        .filter_map(|(_, value)| value.as_str())
        .collect();
    [("orders-db CPU & load", "CPUUtilization", "90.0", 2), ("orders-db connections", "DatabaseConnections", "100.0", 5)]
        .iter()
        .filter(|(name, ..)| wanted.contains(name))
        .fold(String::new(), |mut text, (name, metric, limit, minutes)| {
            // Writing to a `String` cannot fail.
            let _ = write!(
                text,
                "<member><AlarmName>{}</AlarmName><MetricName>{metric}</MetricName><Namespace>AWS/RDS</Namespace><Statistic>Average</Statistic><Period>60</Period><Dimensions><member><Name>DBInstanceIdentifier</Name><Value>orders-db</Value></member></Dimensions><Threshold>{limit}</Threshold><ComparisonOperator>GreaterThanThreshold</ComparisonOperator><StateValue>ALARM</StateValue><StateReason>Threshold Crossed</StateReason><StateUpdatedTimestamp>{}</StateUpdatedTimestamp></member>",
                name.replace('&', "&amp;"),
                account.at(*minutes)
            );
            text
        })
}

fn history(account: &Account) -> String {
    let item = |name: &str, minutes: i64, state: &str| {
        let data = json!({"newState": {"stateValue": state, "stateReason": "Threshold Crossed: 3 datapoints"}});
        format!(
            "<member><AlarmName>{}</AlarmName><HistoryItemType>StateUpdate</HistoryItemType><Timestamp>{}</Timestamp><HistorySummary>Alarm updated to {state}</HistorySummary><HistoryData>{}</HistoryData></member>",
            name.replace('&', "&amp;"),
            account.at(minutes),
            data.to_string().replace('"', "&quot;")
        )
    };
    format!(
        "<AlarmHistoryItems>{}{}{}</AlarmHistoryItems>",
        item("orders-db connections", 5, "ALARM"),
        item("orders-db CPU & load", 2, "ALARM"),
        item("quiet again", 1, "OK")
    )
}

fn list_metrics(asked: &Asked) -> String {
    let text = |name: &str| asked.parameters.get(name).and_then(Value::as_str).unwrap_or_default();
    let found: &[&str] = match (text("Dimensions.member.1.Name"), text("Dimensions.member.1.Value")) {
        ("DBInstanceIdentifier", "orders-db") => &["CPUUtilization", "FreeStorageSpace", "BinLogDiskUsage"],
        _ => &[],
    };
    let members = found.iter().fold(String::new(), |mut text, name| {
        let _ = write!(
            text,
            "<member><Namespace>AWS/RDS</Namespace><MetricName>{name}</MetricName><Dimensions><member><Name>DBInstanceIdentifier</Name><Value>orders-db</Value></member></Dimensions></member>"
        );
        text
    });
    format!("<Metrics>{members}</Metrics>")
}

/// One point a minute: 20 before the onset, 97 since.
fn metric_data(account: &Account, asked: &Asked) -> String {
    let mut results = String::new();
    for at in 1..=500 {
        let field =
            |name: &str| asked.parameters.get(format!("MetricDataQueries.member.{at}.{name}")).and_then(Value::as_str);
        let Some(id) = field("Id") else { break };
        let minutes: Vec<i64> =
            if field("MetricStat.Metric.MetricName") == Some("CPUUtilization") { (-75..30).collect() } else { vec![] };
        let (mut times, mut values) = (String::new(), String::new());
        for minute in minutes {
            let _ = write!(times, "<member>{}</member>", account.at(minute));
            let _ = write!(values, "<member>{}</member>", if minute < 0 { "20.0" } else { "97.5" });
        }
        let _ = write!(
            results,
            "<member><Id>{id}</Id><Label>x</Label><Timestamps>{times}</Timestamps><Values>{values}</Values><StatusCode>Complete</StatusCode></member>"
        );
    }
    format!("<MetricDataResults>{results}</MetricDataResults>")
}

fn database() -> String {
    "<DBInstances><DBInstance><DBInstanceIdentifier>orders-db</DBInstanceIdentifier><DBInstanceStatus>storage-full</DBInstanceStatus><Engine>postgres</Engine><EngineVersion>15.4</EngineVersion><DBInstanceClass>db.t3.medium</DBInstanceClass><AllocatedStorage>20</AllocatedStorage><MultiAZ>false</MultiAZ><PendingModifiedValues><DBInstanceClass>db.t3.large</DBInstanceClass></PendingModifiedValues><PerformanceInsightsEnabled>true</PerformanceInsightsEnabled><DbiResourceId>db-ABC</DbiResourceId></DBInstance></DBInstances>".to_owned()
}

fn json_of(account: &Account, asked: &Asked) -> Result<Value, Refusal> {
    let text = |name: &str| asked.parameters.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| asked.parameters.get(name).and_then(Value::as_i64).unwrap_or_default();
    Ok(match asked.action.as_str() {
        "DescribeLogGroups" => {
            let known = ["/aws/rds/instance/orders-db/postgresql", "/ecs/checkout", "/aws/lambda/charge"];
            let (prefix, pattern) = (text("logGroupNamePrefix"), text("logGroupNamePattern"));
            let found = known
                .iter()
                .filter(|name| if prefix.is_empty() { name.contains(pattern) } else { name.starts_with(prefix) });
            json!({"logGroups": found.map(|name| json!({"logGroupName": name})).collect::<Vec<_>>()})
        }
        "FilterLogEvents" => log_events(account, number("startTime"), number("endTime"), text("nextToken")),
        "StartQuery" => json!({"queryId": "12ab3456"}),
        "StopQuery" => json!({"success": true}),
        "GetQueryResults" => {
            // Running when first looked at.
            let mut polls = lock(&account.polls);
            *polls += 1;
            if *polls == 1 {
                json!({"status": "Running", "results": []})
            } else {
                let when = account.at(3).strftime("%Y-%m-%d %H:%M:00.000").to_string();
                json!({"status": "Complete", "results": [[{"field": "time", "value": when}, {"field": "lines", "value": "42"}]]})
            }
        }
        "GetRoleCredentials" if text("token") == "sso-token" => {
            let key = lock(&account.keys).keys().next().cloned();
            json!({"roleCredentials": {"accessKeyId": key, "secretAccessKey": "x", "sessionToken": "t", "expiration": 0}})
        }
        "LookupEvents" => trail(account, asked),
        "GetResourceMetrics" => json!({"MetricList": [
            {"Key": {"Metric": "db.load.avg"}, "DataPoints": [{"Timestamp": account.seconds(0), "Value": 9.0}]},
            {"Key": {"Metric": "db.load.avg", "Dimensions": {"db.wait_event.name": "DataFileRead", "db.wait_event.type": "IO"}},
             "DataPoints": [{"Timestamp": account.seconds(-30), "Value": 0.2}, {"Timestamp": account.seconds(5), "Value": 7.5}, {"Timestamp": account.seconds(6)}]},
        ]}),
        "ListClusters" => json!({"clusterArns": ["arn:aws:ecs:eu-west-1:1:cluster/shop"]}),
        "DescribeServices" => ecs_service(account, asked),
        "ListTasks" => json!({"taskArns": ["arn:aws:ecs:eu-west-1:1:task/shop/a1"]}),
        "DescribeTasks" => {
            json!({"tasks": [{"stoppedAt": account.seconds(6), "stoppedReason": "Essential container in task exited",
            "containers": [{"name": "app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage"}]}]})
        }
        "DescribeCluster" if text("name") == "shop" => {
            json!({"cluster": {"name": "shop", "status": "ACTIVE", "version": "1.31", "endpoint": "https://ABC.gr7.eu-west-1.eks.amazonaws.com",
                "certificateAuthority": {"data": "LS0tLS1CRUdJTg=="}, "health": {"issues": []}}})
        }
        "ListNodegroups" => json!({"nodegroups": ["workers"]}),
        "DescribeNodegroup" => {
            json!({"nodegroup": {"status": "DEGRADED", "scalingConfig": {"desiredSize": 3, "minSize": 1, "maxSize": 3},
            "health": {"issues": [{"code": "AsgInstanceLaunchFailures", "message": "no capacity"}]}}})
        }
        "GetFunctionConfiguration" if text("name") == "charge" => {
            json!({"FunctionName": "charge", "Runtime": "python3.12", "MemorySize": 128,
            "Timeout": 3, "State": "Active", "LastUpdateStatus": "Successful", "Version": "$LATEST",
            "LastModified": account.at(-10).strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string(),
            "Environment": {"Variables": {"STRIPE_KEY": "sk_live_canary", "STAGE": "canary-stage"}}})
        }
        _ => return Err((404, "ResourceNotFoundException", "not found".to_owned())),
    })
}

fn describe_cluster(account: &Account, name: &str, region: &str) -> Result<String, Refusal> {
    let clusters = lock(&account.clusters);
    let found = clusters.iter().find(|cluster| cluster.name == name && cluster.region == region);
    let cluster =
        found.ok_or_else(|| (404, "ResourceNotFoundException", format!("No cluster found for name: {name}.")))?;
    let data = STANDARD.encode(&cluster.authority);
    let arn = format!("arn:aws:eks:{region}:{}:cluster/{name}", account.id);
    Ok(json!({"cluster": {"name": name, "arn": arn, "status": "ACTIVE", "version": "1.33",
        "endpoint": cluster.endpoint, "certificateAuthority": {"data": data}, "health": {"issues": []}}})
    .to_string())
}

/// Two pages: the first is empty, as CloudWatch's often are.
fn log_events(account: &Account, start: i64, end: i64, token: &str) -> Value {
    if token.is_empty() {
        return json!({"events": [], "nextToken": "page-2"});
    }
    let line = |minutes: i64, message: &str| json!({"timestamp": account.at(minutes).as_millisecond(), "message": message, "logStreamName": "orders-db"});
    let all = [
        line(-40, "ERROR: deadlock detected\n"),
        line(3, "FATAL: remaining connection slots are reserved for superusers\n"),
        line(4, "ERROR: canceling statement due to statement timeout"),
    ];
    let within = |line: &&Value| line["timestamp"].as_i64().is_some_and(|time| time >= start && time <= end);
    json!({"events": all.iter().filter(within).collect::<Vec<_>>()})
}

fn trail(account: &Account, asked: &Asked) -> Value {
    let attribute =
        asked.parameters.pointer("/LookupAttributes/0/AttributeKey").and_then(Value::as_str).unwrap_or_default();
    let event = |name: &str, minutes: i64, kind: &str, resource: &str, detail: Value| {
        json!({"EventId": format!("{name}-{minutes}"), "EventName": name, "ReadOnly": "false", "EventTime": account.seconds(minutes),
            "EventSource": "x.amazonaws.com", "Username": "deployer", "Resources": [{"ResourceType": kind, "ResourceName": resource}],
            "CloudTrailEvent": detail.to_string()})
    };
    let modified = event(
        "ModifyDBInstance",
        -12,
        "AWS::RDS::DBInstance",
        "orders-db",
        json!({"requestParameters": {"dBInstanceIdentifier": "orders-db", "masterUserPassword": "canary-password"}}),
    );
    let deployed =
        event("UpdateService", -10, "AWS::ECS::Service", "arn:aws:ecs:eu-west-1:1:service/shop/checkout", json!({}));
    let noise = event("AssumeRole", -5, "AWS::IAM::Role", "ops", json!({}));
    let refused =
        event("DeleteDBInstance", -3, "AWS::RDS::DBInstance", "orders-db", json!({"errorCode": "AccessDenied"}));
    json!({"Events": if attribute == "ResourceName" { vec![modified] } else { vec![deployed, noise, refused] }})
}

fn ecs_service(account: &Account, asked: &Asked) -> Value {
    if asked.parameters.pointer("/services/0").and_then(Value::as_str) != Some("checkout") {
        return json!({"services": [], "failures": [{"reason": "MISSING"}]});
    }
    json!({"services": [{
        "serviceName": "checkout", "status": "ACTIVE", "runningCount": 1, "desiredCount": 3, "pendingCount": 2,
        "taskDefinition": "arn:aws:ecs:eu-west-1:1:task-definition/checkout:42",
        "deployments": [{"status": "PRIMARY", "createdAt": account.seconds(-10), "rolloutState": "IN_PROGRESS",
            "rolloutStateReason": "ECS deployment in progress", "taskDefinition": "arn:aws:ecs:eu-west-1:1:task-definition/checkout:42"}],
        "events": [
            {"createdAt": account.seconds(5), "message": "(service checkout) was unable to place a task"},
            {"createdAt": account.seconds(-60), "message": "(service checkout) has reached a steady state."},
        ],
    }]})
}
